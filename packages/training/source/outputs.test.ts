import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore, type Store } from '@distillery/store';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rowFile, rowWriter } from './outputs.ts';
import { openRows } from './batches/row-reader.ts';

let folder: string;
let store: Store;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-rows-'));
  store = await openStore(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test.each([
  { shape: [10], dtype: 'F32' },
  { shape: [2, 2, 3], dtype: 'F16' },
  { shape: [4, 3], dtype: 'F16' },
])('rows of $shape are kept as $dtype and read by position', async ({ shape, dtype }) => {
  const length = shape.reduce((a, b) => a * b);
  // Quarters are exact in float16.
  const value = (row: number, i: number) => row - i / 4;
  const writer = rowWriter(store, shape);
  for (const [from, size] of [
    [0, 3],
    [3, 4],
  ]) {
    await writer.write(
      Float32Array.from({ length: size * length }, (_, i) =>
        value(from + Math.floor(i / length), i % length),
      ),
    );
  }
  const stored = await writer.close();
  expect(stored).toMatchObject({ shape, dtype, rows: 7, size: 7 * length * (dtype === 'F16' ? 2 : 4) });
  const reader = await openRows(await rowFile(store, stored), store);
  const read = reader.read(Int32Array.from([6, 0, 6, 2]));
  await reader.close();
  const expected = [6, 0, 6, 2].flatMap((row) => Array.from({ length }, (_, i) => value(row, i)));
  expect([...read]).toEqual(expected);
});

test('a file that is not its rows is refused', async () => {
  const blob = await store.put(new Uint8Array(12));
  await expect(rowFile(store, { ...blob, shape: [2], dtype: 'F32', rows: 2 })).rejects.toMatchObject({
    code: 'artifact_corrupt',
  });
});

test('rows whose blob is gone are refused', async () => {
  const blob = await store.put(new Uint8Array(16));
  await store.remove(blob.digest);
  await expect(rowFile(store, { ...blob, shape: [2], dtype: 'F32', rows: 2 })).rejects.toMatchObject({
    code: 'checkpoint_not_found',
  });
});

test('an aborted file is not kept', async () => {
  const writer = rowWriter(store, [4]);
  await writer.write(new Float32Array(400));
  writer.abort(new Error('stop'));
  await expect(writer.close()).rejects.toThrow('stop');
});
