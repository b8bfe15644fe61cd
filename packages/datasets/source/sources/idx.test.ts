import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { allInputs } from '../testing/all-inputs.ts';
import { idxFile, zipFile } from '../testing/array-files.ts';
import { contextIn, errorOf, tarOf, temporaryFolder, writeFiles } from '../testing/fixtures.ts';
import { idx } from './idx.ts';

const bytes = (length: number, of: (index: number) => number) =>
  Buffer.from(Array.from({ length }, (_, i) => of(i)));
const train = {
  'train-images-idx3-ubyte': idxFile(
    [20, 2, 3],
    bytes(120, (i) => i),
  ),
  'train-labels-idx1-ubyte': idxFile(
    [20],
    bytes(20, (i) => 3 + (i % 2)),
  ),
};
const held = {
  't10k-images.idx3-ubyte.gz': gzipSync(
    idxFile(
      [2, 2, 3],
      bytes(12, (i) => 200 + i),
    ),
  ),
  't10k-labels.idx1-ubyte': idxFile(
    [2],
    bytes(2, (i) => 4 - i),
  ),
};

async function withFiles(files: Record<string, Buffer>) {
  const context = await contextIn(await temporaryFolder());
  await writeFiles(join(context.roots[0], 'set'), files);
  return context;
}
const choose = (options: object = {}) => idx.options.parse({ path: 'set', ...options });

test('reads grey images, with the mean and the deviation of the training images', async () => {
  const context = await withFiles({ ...train, ...held });
  const set = await idx.load(choose(), context);
  expect(set).toMatchObject({ classes: ['3', '4'], shape: [2, 3, 1], skipped: { count: 0 } });
  expect([...set.train.labels.slice(0, 4), ...set.test.labels]).toEqual([0, 1, 0, 1, 1, 0]);
  expect([...(await allInputs(set.train))]).toEqual(Array.from({ length: 120 }, (_, i) => i));
  expect([...(await allInputs(set.test))]).toEqual(Array.from({ length: 12 }, (_, i) => 200 + i));
  const deviation = Math.sqrt((120 ** 2 - 1) / 12) / 255;
  expect(set.normalization).toEqual({
    mean: [expect.closeTo(59.5 / 255, 4)],
    std: [expect.closeTo(deviation, 4)],
  });
});

test('reads an archive as the folder that it holds, and each file by its content', async () => {
  const context = await withFiles({ ...train, ...held });
  const folder = await idx.load(choose(), context);
  const nested = Object.fromEntries(
    Object.entries({ ...train, ...held, 'notes.txt': Buffer.from('x') }).map(([name, content]) => [
      `mnist/raw/${name}`,
      content,
    ]),
  );
  const [zip, tar] = [zipFile(nested), await tarOf(Object.entries(nested))];
  await writeFiles(context.roots[0], { 'set.zip': zip, 'set.tar.gz': tar });
  for (const path of ['set.zip', 'set.tar.gz']) {
    expect((await idx.load(choose({ path }), context)).digest).toBe(folder.digest);
    // From the cache.
    expect((await idx.load(choose({ path }), context)).digest).toBe(folder.digest);
  }
  const twice = { 'a/train-images-idx3-ubyte': zip, 'b/train-images-idx3-ubyte': zip };
  await writeFiles(context.roots[0], { 'twice.zip': zipFile(twice) });
  expect((await errorOf(idx.load(choose({ path: 'twice.zip' }), context))).message).toBe(
    'twice.zip: holds several files named train-images-idx3-ubyte',
  );
});

test('holds out a part of each class without test files, and names classes', async () => {
  const context = await withFiles(train);
  const set = await idx.load(choose({ classNames: ['a', 'b', 'c', 'd', 'e'], testFraction: 0.2 }), context);
  expect([set.classes.length, set.train.count, set.test.count]).toEqual([5, 16, 4]);
  const rows = async (split: typeof set.train) => {
    const inputs = await allInputs(split);
    return Array.from(split.labels, (label, i) => `${label} ${inputs.subarray(6 * i, 6 * i + 6)}`);
  };
  const all = [...(await rows(set.train)), ...(await rows(set.test))].sort();
  const expected = Array.from(
    { length: 20 },
    (_, i) => `${3 + (i % 2)} ${Array.from({ length: 6 }, (_, j) => 6 * i + j)}`,
  );
  expect(all).toEqual(expected.sort());
});

test('colour images, sets in one folder, and a changed file', async () => {
  const colour = {
    'letters-train-images-idx4-ubyte': idxFile(
      [20, 1, 2, 3],
      bytes(120, (i) => 2 * i),
    ),
  };
  const labels = { 'letters-train-labels-idx1-ubyte': train['train-labels-idx1-ubyte'] };
  const context = await withFiles({ ...train, ...colour, ...labels });
  expect((await errorOf(idx.outline(choose(), context))).message).toBe(
    'set: holds several sets; choose one by "prefix": , letters',
  );
  const set = await idx.load(choose({ prefix: 'letters' }), context);
  expect(set.shape).toEqual([1, 2, 3]);
  const grey = await idx.load(choose({ prefix: '' }), context);
  expect(grey.shape).toEqual([2, 3, 1]);
  await writeFile(
    join(context.roots[0], 'set/train-images-idx3-ubyte'),
    idxFile(
      [20, 2, 3],
      bytes(120, (i) => i + 1),
    ),
  );
  expect((await idx.load(choose({ prefix: '' }), context)).digest).not.toBe(grey.digest);
});

describe('files that cannot be trained on are a data_error that names them', () => {
  const images = train['train-images-idx3-ubyte'];
  const labels = train['train-labels-idx1-ubyte'];
  test.each<[string, Record<string, Buffer>, RegExp, object?]>([
    ['no files', { 'readme.txt': Buffer.from('x') }, /^set: holds no train-images-idx3-ubyte file/],
    ['no labels', { 'train-images-idx3-ubyte': images }, /holds no train-labels-idx1-ubyte file/],
    [
      'no test labels',
      { ...train, 't10k-images-idx3-ubyte': images },
      /test images or test labels, but not both/,
    ],
    [
      'another format',
      { ...train, 'train-images-idx3-ubyte': Buffer.from('GIF89a..') },
      /train-images-idx3-ubyte: is not an IDX file: it begins with the bytes 47494638/,
    ],
    [
      'another type',
      { ...train, 'train-images-idx3-ubyte': idxFile([20, 2, 3], Buffer.alloc(480), 12) },
      /holds int32; expected unsigned bytes/,
    ],
    [
      'half a header',
      { ...train, 'train-images-idx3-ubyte': images.subarray(0, 9) },
      /ends within its header/,
    ],
    [
      'too short',
      { ...train, 'train-images-idx3-ubyte': images.subarray(0, 100) },
      /train-images-idx3-ubyte: ends after 14 of 20 images/,
    ],
    [
      'too long',
      { ...train, 'train-images-idx3-ubyte': Buffer.concat([images, images]) },
      /goes on behind the last of 20 images/,
    ],
    [
      'damaged gzip',
      { 'train-labels-idx1-ubyte': labels, 'train-images-idx3-ubyte.gz': gzipSync(images).subarray(0, 50) },
      /train-images-idx3-ubyte\.gz: the gzip data is damaged/,
    ],
    [
      'other counts',
      { ...train, 'train-labels-idx1-ubyte': idxFile([3], Buffer.alloc(3)) },
      /train-images-idx3-ubyte: 3 labels for 20 images/,
    ],
    [
      'labels for images',
      { ...train, 'train-images-idx3-ubyte': labels },
      /has 1 dimensions; images have 3 or 4/,
    ],
    [
      'images for labels',
      { ...train, 'train-labels-idx1-ubyte': images },
      /train-labels-idx1-ubyte: has 3 dimensions; labels have 1/,
    ],
    [
      'one class',
      { ...train, 'train-labels-idx1-ubyte': idxFile([20], Buffer.alloc(20)) },
      /all images have the label 0/,
    ],
    [
      'another size in test',
      { ...train, ...held, 't10k-images.idx3-ubyte.gz': idxFile([2, 3, 3], Buffer.alloc(18)) },
      /images of \[3,3,1\], but those of train-images-idx3-ubyte are \[2,3,1\]/,
    ],
    [
      'a new class in test',
      { ...train, ...held, 't10k-labels.idx1-ubyte': idxFile([2], Buffer.of(3, 9)) },
      /image 1 has the label 9, which no training image has/,
    ],
    [
      'too few names',
      train,
      /image 0 has the label 3, which has no name in "classNames"/,
      { classNames: ['a', 'b'] },
    ],
    [
      'no pixels',
      { ...train, 'train-images-idx3-ubyte': idxFile([20, 0, 3], Buffer.alloc(0)) },
      /images of \[0,3,1\]; sides must be/,
    ],
    [
      'a lying count',
      { ...train, 'train-images-idx3-ubyte': idxFile([4_000_000_000, 2, 3], Buffer.alloc(9)) },
      /has 4000000000 entries, more than/,
    ],
  ])('%s', async (_what, files, message, options = {}) => {
    const error = await errorOf(idx.load(choose(options), await withFiles(files)));
    expect(error).toMatchObject({ code: 'data_error', message: expect.stringMatching(message) });
    expect(error.fields).toMatchObject([{ path: '/dataset/path', value: 'set' }]);
  });
});
