import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256 } from '@distillery/spec';
import { expect, test } from 'vitest';
import { cifar10, cifar10Reachable, decodeCifarArchive, normalizedAs } from './cifar10.ts';
import { decodedOnce } from '../decoded.ts';
import { allInputs } from '../testing/all-inputs.ts';
import { contextIn, errorOf, tarOf, temporaryFolder } from '../testing/fixtures.ts';

const PLANE = 1024;

/** A record in the archive's format: pixel p is (p, p + 1, p + 2) modulo 256, shifted by the label. */
function record(label: number): Buffer {
  const bytes = Buffer.alloc(1 + 3 * PLANE);
  bytes[0] = label;
  for (let c = 0; c < 3; c++) {
    for (let p = 0; p < PLANE; p++) bytes[1 + c * PLANE + p] = (p + c + label) & 255;
  }
  return bytes;
}

/** Discards all samples. */
const nowhere = { train: { put: () => {} }, test: { put: () => {} } };

async function archive(entries: [string, Buffer][]): Promise<{ path: string; digest: string }> {
  const path = join(await temporaryFolder(), 'cifar.tar.gz');
  const bytes = await tarOf(entries);
  await writeFile(path, bytes);
  return { path, digest: sha256(bytes) };
}

test('reads batches in their order and turns planes into pixels', async () => {
  const { path, digest } = await archive([
    ['cifar-10-batches-bin/data_batch_2.bin', record(9)],
    ['cifar-10-batches-bin/readme.html', Buffer.from('<html>')],
    ['cifar-10-batches-bin/test_batch.bin', record(5)],
    ['cifar-10-batches-bin/data_batch_1.bin', Buffer.concat([record(3), record(0)])],
  ]);
  const context = await contextIn(await temporaryFolder());
  const {
    train,
    test: tested,
    shape,
    classes,
  } = await decodedOnce('', context, (writers) => decodeCifarArchive(path, [digest], writers));
  const inputs = await allInputs(train);
  expect(shape).toEqual([32, 32, 3]);
  expect(classes).toHaveLength(10);
  expect([train.count, [...train.labels], [...tested.labels]]).toEqual([3, [3, 0, 9], [5]]);
  expect(inputs).toHaveLength(3 * 3 * PLANE);
  expect([...inputs.subarray(0, 6)]).toEqual([3, 4, 5, 4, 5, 6]);
  const last = 3 * 3 * PLANE - 3;
  expect([...inputs.subarray(last)]).toEqual([1023, 1024, 1025].map((value) => (value + 9) & 255));
});

test('images are normalised by their own statistics, unless ImageNet is asked for', async () => {
  const { path, digest } = await archive([
    ['data_batch_1.bin', record(3)],
    ['test_batch.bin', record(5)],
  ]);
  const context = await contextIn(await temporaryFolder());
  const images = await decodedOnce('', context, (writers) => decodeCifarArchive(path, [digest], writers));
  expect(cifar10.options.parse({}).normalization).toBe('cifar10');
  const [own, imagenet] = [normalizedAs(images, 'cifar10'), normalizedAs(images, 'imagenet')];
  expect(own.normalization?.mean).toEqual([0.4914, 0.4822, 0.4465]);
  expect(imagenet.normalization?.std).toEqual([0.229, 0.224, 0.225]);
  // A teacher that was trained with the one must not be reused for the other.
  expect(own.digest).not.toBe(imagenet.digest);
  expect(own.train).toBe(images.train);
});

test('an archive with another digest is a data_error that names both digests', async () => {
  const { path, digest } = await archive([['test_batch.bin', record(1)]]);
  const error = await errorOf(decodeCifarArchive(path, ['f'.repeat(64)], nowhere));
  expect(error.code).toBe('data_error');
  expect(error.message).toBe(`${path}: SHA-256 is ${digest}, expected ${'f'.repeat(64)}`);
});

test('an archive of another format is a data_error', async () => {
  const cases: [[string, Buffer][], RegExp][] = [
    [[['data_batch_1.bin', record(1)]], /no file test_batch is in the archive/],
    [[['test_batch.bin', record(1)]], /no file data_batch_\\d is in the archive/],
    [
      [
        ['data_batch_1.bin', record(1).subarray(1)],
        ['test_batch.bin', record(1)],
      ],
      /3072 bytes are not whole records of 3073/,
    ],
    [
      [
        ['data_batch_1.bin', Buffer.concat([record(1), record(10)])],
        ['test_batch.bin', record(1)],
      ],
      /record 1 has the label 10/,
    ],
  ];
  for (const [entries, message] of cases) {
    const { path, digest } = await archive(entries);
    const error = await errorOf(decodeCifarArchive(path, [digest], nowhere));
    expect(error.code).toBe('data_error');
    expect(error.message).toMatch(message);
  }
  const path = join(await temporaryFolder(), 'text');
  await writeFile(path, 'text');
  expect(await errorOf(decodeCifarArchive(path, [sha256('text')], nowhere))).toMatchObject({
    code: 'data_error',
  });
});

test('the outline is constant, and checks the path', async () => {
  const context = await contextIn(await temporaryFolder());
  expect(await cifar10.outline(cifar10.options.parse({}), context)).toMatchObject({
    trainCount: 50_000,
    testCount: 10_000,
  });
  const choice = cifar10.options.parse({ path: 'gone.tar.gz' });
  for (const step of [() => cifar10.outline(choice, context), () => cifar10.load(choice, context)]) {
    const error = await errorOf(step());
    expect(error.fields).toMatchObject([
      { path: '/dataset/path', value: choice.path, message: 'does not exist' },
    ]);
  }
  const folder = await errorOf(cifar10.load(cifar10.options.parse({ path: '.' }), context));
  expect(folder.fields).toMatchObject([{ path: '/dataset/path', value: '.', message: /is not a file/ }]);
});

test('a local archive with other bytes is refused', async () => {
  const context = await contextIn(await temporaryFolder());
  await writeFile(join(context.roots[0], 'cifar.tar.gz'), await tarOf([['test_batch.bin', record(1)]]));
  for (const step of [cifar10.outline, cifar10.load]) {
    const error = await errorOf(step(cifar10.options.parse({ path: 'cifar.tar.gz' }), context));
    expect(error).toMatchObject({ code: 'data_error', message: /SHA-256 is .* expected c4a38c50/ });
  }
});

test('an archive in the cache counts as reachable', async () => {
  const context = await contextIn(await temporaryFolder());
  await mkdir(join(context.cacheDir, 'downloads'), { recursive: true });
  await writeFile(join(context.cacheDir, 'downloads', 'cifar-10-binary.tar.gz'), '');
  expect(await cifar10Reachable(context)).toBe(true);
});
