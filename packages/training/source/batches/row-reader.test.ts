import { mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore, type Store } from '@distillery/store';
import { blobFile, flipByte } from '@distillery/store/testing';
import { randomStream } from '@distillery/engine';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openRows, type RowFile } from './row-reader.ts';

let folder: string;
let store: Store;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-reader-'));
  store = await openStore(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A blob of float32 rows; number i of the blob is i. */
async function written(rows: number, length: number): Promise<RowFile> {
  const numbers = Float32Array.from({ length: rows * length }, (_, i) => i);
  const { digest } = await store.put(new Uint8Array(numbers.buffer));
  return { store: store.url, digest, shape: [length], length, dtype: 'F32' };
}

test.each([
  { what: 'that lie in one block', rows: 500, length: 3 },
  { what: 'of many blocks', rows: 50, length: 5000 },
  { what: 'longer than a block', rows: 3, length: 100_001 },
])('rows $what come back in the order asked for', async ({ rows, length }) => {
  const reader = await openRows(await written(rows, length), store);
  const every = randomStream(1).shuffle(Int32Array.from({ length: rows }, (_, row) => row));
  for (const positions of [every, every.slice(0, 2), Int32Array.of(rows - 1, 0, rows - 1)]) {
    const read = reader.read(positions);
    expect(read).toHaveLength(positions.length * length);
    const wrong = read.findIndex((value, i) => {
      return value !== Math.fround(positions[Math.floor(i / length)] * length + (i % length));
    });
    expect(wrong).toBe(-1);
  }
  await reader.close();
});

test('a blob that is truncated while it is open gives complete rows, and an error names the first other one', async () => {
  const file = await written(10, 4);
  const reader = await openRows(file, store);
  await truncate(blobFile(store, file.digest), 6 * 16 + 7);
  expect([...reader.read(Int32Array.of(5))]).toEqual([20, 21, 22, 23]);
  expect(() => reader.read(Int32Array.of(8, 0, 5, 6, 7))).toThrow(
    expect.objectContaining({
      code: 'artifact_corrupt',
      message: `${file.digest}: row 6 is truncated`,
    }),
  );
  expect(() => reader.read(Int32Array.of(9))).toThrow('row 9 is truncated');
  await reader.close();
});

test('a blob with one wrong bit is refused when it is opened', async () => {
  const file = await written(11, 4);
  await flipByte(blobFile(store, file.digest), 20);
  await expect(openRows(file, store)).rejects.toMatchObject({ code: 'artifact_corrupt' });
});
