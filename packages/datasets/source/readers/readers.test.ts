import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { allInputs } from '../testing/all-inputs.ts';
import { temporaryFolder } from '../testing/fixtures.ts';
import { generatedSplit } from '../testing/generated-reader.ts';
import { describeReader } from '../testing/reader-suite.ts';
import type { FileRows } from './file.ts';
import { openReader, type ReaderKind, readers } from './index.ts';
import { memoryRows } from './memory.ts';
import type { Subset } from './subset.ts';

const [count, bytes] = [50, 700];
const common = { count, shape: [10, 10, 7], bytes, digest: 'd' };
const inputs = Uint8Array.from({ length: count * bytes }, (_, i) => (i * 13 + (i >> 8)) & 255);

/** Rows in a file, with other bytes before and after them. */
async function inFile(memory: number): Promise<FileRows> {
  const path = join(await temporaryFolder(), 'rows');
  await writeFile(path, [Buffer.alloc(33, 'x'), inputs, Buffer.alloc(9, 'y')]);
  return { kind: 'file', path, offset: 33, memory, ...common };
}

describeReader('file, kept in memory', async () => ({ description: await inFile(1 << 20), inputs }));
describeReader('file, read each time', async () => ({ description: await inFile(0), inputs }));
describeReader('memory, shared', async () => {
  const shared = new Uint8Array(new SharedArrayBuffer(inputs.length));
  shared.set(inputs);
  return { description: memoryRows(shared, common), inputs };
});
describeReader('memory, copied into shared memory', async () => ({
  description: memoryRows(inputs, common),
  inputs,
}));
describeReader('subset', async () => {
  const indices = Int32Array.from({ length: 25 }, (_, i) => 2 * i);
  const description: Subset = { ...common, kind: 'subset', of: await inFile(0), indices, count: 25 };
  const even = inputs.filter((_, i) => Math.floor(i / bytes) % 2 === 0);
  return { description, inputs: even };
});
describeReader('generated, from a separate module', async () => {
  const split = generatedSplit(40, [5, 5, 3], 4);
  return { description: split.reader, inputs: await allInputs(split) };
});

test('rows can be far longer than one read, and a split larger than the memory limit', async () => {
  const path = join(await temporaryFolder(), 'rows');
  const long = Uint8Array.from({ length: 3 * 400_000 }, (_, i) => (i * 31 + (i >> 10)) & 255);
  await writeFile(path, long);
  const description: FileRows = {
    ...common,
    kind: 'file',
    path,
    offset: 0,
    memory: long.length - 1,
    count: 3,
    bytes: 400_000,
  };
  expect(
    Buffer.compare(await allInputs({ reader: description, labels: new Int32Array(3), count: 3 }), long),
  ).toBe(0);
});

test('a file that fits into memory is read once: later changes do not affect what was read', async () => {
  const description = await inFile(1 << 20);
  const reader = await openReader(description);
  const into = new Uint8Array(bytes);
  await reader.read(Int32Array.of(48), into);
  await truncate(description.path, 33);
  // The same read covered neighbouring rows.
  await reader.read(Int32Array.of(0), into);
  expect(into).toEqual(inputs.subarray(0, bytes));
  await reader.close();
});

test.each([0, 1 << 20])(
  'a truncated or missing file is data_unavailable, with %s bytes of memory',
  async (memory) => {
    const description = await inFile(memory);
    await truncate(description.path, 33 + 20 * bytes + 5);
    const reader = await openReader(description);
    const into = new Uint8Array(bytes);
    await expect(async () => reader.read(Int32Array.of(20), into)).rejects.toMatchObject({
      code: 'data_unavailable',
      message: expect.stringMatching(/ends before input 20$/),
    });
    await reader.close();
    await expect(
      openReader({ ...description, path: `${description.path}.gone` } as FileRows),
    ).rejects.toMatchObject({ code: 'data_unavailable', message: expect.stringContaining('ENOENT') });
  },
);

test('a file of many blocks in memory', async () => {
  const path = join(await temporaryFolder(), 'rows');
  const many = Uint8Array.from({ length: 1500 * bytes }, (_, i) => (i * 13 + (i >> 8)) & 255);
  await writeFile(path, many);
  const description: FileRows = { ...common, kind: 'file', path, offset: 0, memory: 1 << 30, count: 1500 };
  const reader = await openReader(description);
  const indices = Int32Array.from({ length: 1500 }, (_, i) => (i * 701) % 1500);
  const into = new Uint8Array(many.length);
  await reader.read(indices, into);
  const wrong = indices.findIndex(
    (index, i) =>
      Buffer.compare(
        into.subarray(i * bytes, (i + 1) * bytes),
        many.subarray(index * bytes, (index + 1) * bytes),
      ) !== 0,
  );
  expect(wrong).toBe(-1);
  await reader.close();
});

test('the registry lists its kinds, and refuses a second one of the same name', async () => {
  expect(readers.list.map(({ type }) => type)).toEqual(['file', 'images', 'memory', 'subset', 'generated']);
  const other: ReaderKind = { type: 'file', open: () => ({ read: () => {}, close: () => {} }) };
  expect(() => readers.add(other)).toThrow('two readers named file');
  readers.add(readers.get('file'));
  await expect(openReader({ ...common, kind: 'tape' })).rejects.toThrow('unknown reader "tape"');
});
