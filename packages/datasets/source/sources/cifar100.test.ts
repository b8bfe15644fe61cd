import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { readPickle } from '../arrays/pickle.ts';
import { allInputs } from '../testing/all-inputs.ts';
import { cifarImage, cifarPickle, cifarRecord } from '../testing/array-files.ts';
import { contextIn, errorOf, tarOf, temporaryFolder } from '../testing/fixtures.ts';
import { cifar100 } from './cifar100.ts';

const binary: [string, Buffer][] = [
  ['cifar-100-binary/fine_label_names.txt', Buffer.from('apple\n')],
  ['cifar-100-binary/test.bin', Buffer.concat([cifarRecord([1, 7], 50)])],
  ['cifar-100-binary/train.bin', Buffer.concat([cifarRecord([19, 99], 0), cifarRecord([0, 3], 10)])],
];
const python: [string, Buffer][] = [
  ['cifar-100-python/meta', Buffer.from('not read')],
  ['cifar-100-python/train', cifarPickle({ fine_labels: [99, 3], coarse_labels: [19, 0] }, [0, 10])],
  ['cifar-100-python/test', cifarPickle({ fine_labels: [7], coarse_labels: [1] }, [50])],
];

async function withArchive(entries: [string, Buffer][]) {
  const context = await contextIn(await temporaryFolder());
  await writeFile(join(context.roots[0], 'cifar.tar.gz'), await tarOf(entries));
  return context;
}
const choose = (options: object = {}) => cifar100.options.parse({ path: 'cifar.tar.gz', ...options });

describe.each([
  ['binary', binary],
  ['Python', python],
])('the %s archive', (_form, entries) => {
  test('gives fine labels and pixels', async () => {
    const context = await withArchive(entries);
    const set = await cifar100.load(choose(), context);
    expect(set.classes).toHaveLength(100);
    expect([...set.train.labels, ...set.test.labels].map((label) => set.classes[label])).toEqual([
      'worm',
      'bear',
      'beetle',
    ]);
    const pixels = [...(await allInputs(set.train))];
    expect(pixels.slice(0, 4)).toEqual([0, 1, 2, 1]);
    expect(pixels.slice(3072, 3075)).toEqual([10, 11, 12]);
    expect(set.normalization?.mean).toHaveLength(3);
    expect(await cifar100.outline(choose(), context)).toMatchObject({
      trainCount: 2,
      testCount: 1,
      shape: [32, 32, 3],
    });
  });

  test('gives coarse labels', async () => {
    const set = await cifar100.load(choose({ labels: 'coarse' }), await withArchive(entries));
    expect(set.classes).toHaveLength(20);
    expect([...set.train.labels, ...set.test.labels].map((label) => set.classes[label])).toEqual([
      'vehicles_2',
      'aquatic_mammals',
      'fish',
    ]);
  });
});

test('both forms give equal data', async () => {
  const digests = [binary, python].map(
    async (entries) => (await cifar100.load(choose(), await withArchive(entries))).digest,
  );
  expect(new Set(await Promise.all(digests)).size).toBe(1);
});

test.each<[string, [string, Buffer][], RegExp]>([
  ['no test images', binary.slice(2), /no file test is in the archive/],
  [
    'half a record',
    [binary[1], ['train.bin', cifarRecord([1, 1], 0).subarray(1)]],
    /train\.bin: 3073 bytes are not whole records of 3074/,
  ],
  [
    'a label past the last',
    [binary[1], ['train.bin', cifarRecord([1, 100], 0)]],
    /train\.bin: record 0 has the label 100, past 99/,
  ],
  [
    'a pickle that names a function',
    [python[2], ['train', Buffer.from('\x80\x02cposix\nsystem\nU\x04true\x85R.', 'latin1')]],
    /train: the pickle names posix\.system, which is never loaded/,
  ],
  [
    'a pickle of something else',
    [python[2], ['train', Buffer.from('\x80\x02}.', 'latin1')]],
    /train: has no data/,
  ],
  [
    'a pickle of another protocol',
    [python[2], ['train', Buffer.from('\x80\x05}.', 'latin1')]],
    /protocol above 3/,
  ],
  [
    'other numbers of labels',
    [python[2], ['train', cifarPickle({ fine_labels: [1, 2, 3] }, [0])]],
    /other numbers of images and labels/,
  ],
])('%s is a data_error, in plan and load', async (_what, entries, message) => {
  const context = await withArchive(entries);
  for (const step of [cifar100.outline, cifar100.load]) {
    const error = await errorOf(step(choose(), context));
    expect(error).toMatchObject({ code: 'data_error', message: expect.stringMatching(message) });
    expect(error.fields).toMatchObject([{ path: '/dataset/path', value: 'cifar.tar.gz' }]);
  }
});

test('a pickle that is cut anywhere is refused', () => {
  const whole = cifarPickle({ fine_labels: [5], coarse_labels: [1] }, [0]);
  for (let length = 0; length < whole.length; length += length < 200 ? 1 : 97)
    expect(() => readPickle(whole.subarray(0, length)), String(length)).toThrow(RangeError);
  expect(cifarImage(3)).toHaveLength(3072);
});
