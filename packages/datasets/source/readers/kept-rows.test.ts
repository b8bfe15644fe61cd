import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../testing/fixtures.ts';
import { type KeptRows, keptRowBytes, openKeptRows } from './kept-rows.ts';

const bytes = 100;
const rowOf = (value: number) => Uint8Array.from({ length: bytes }, (_, i) => (value * i) & 255);

async function opened(rows = 50): Promise<{ path: string; kept: KeptRows }> {
  const path = join(await temporaryFolder(), 'rows');
  const kept = openKeptRows(path, bytes, rows);
  onTestFinished(() => kept.close());
  return { path, kept };
}

const read = (kept: KeptRows, row: number) => {
  const into = new Uint8Array(3 * bytes);
  return kept.read(row, into, 1) ? into.subarray(bytes, 2 * bytes) : undefined;
};

test('keeps rows in any order, also for other readers, and has no others', async () => {
  const { path, kept } = await opened();
  // A black image has only zeros, as a hole of the file has.
  for (const row of [7, 0, 30]) kept.write(row, rowOf(row));
  expect([7, 0, 30].map((row) => read(kept, row))).toEqual([7, 0, 30].map(rowOf));
  expect([1, 29, 31, 49].map((row) => read(kept, row))).toEqual([undefined, undefined, undefined, undefined]);
  const other = openKeptRows(path, bytes, 50);
  expect(read(other, 7)).toEqual(rowOf(7));
  other.close();
});

test('a row with a changed byte, a part of it or in the place of another is none', async () => {
  const { path, kept } = await opened();
  for (let row = 0; row < 4; row++) kept.write(row, rowOf(row + 1));
  const content = await readFile(path);
  const slot = keptRowBytes(bytes);
  const file = await open(path, 'r+');
  await file.write(Buffer.of(content[slot + 50] ^ 1), 0, 1, slot + 50);
  await file.write(content.subarray(3 * slot), 0, slot, 2 * slot);
  await file.truncate(4 * slot - 1);
  await file.close();
  expect([0, 1, 2, 3].map((row) => read(kept, row) !== undefined)).toEqual([true, false, false, false]);
  kept.write(1, rowOf(2));
  expect(read(kept, 1)).toEqual(rowOf(2));
});

test('takes no more of the disk than the rows for which there is room', async () => {
  const { path, kept } = await opened(3);
  for (let row = 0; row < 10; row++) kept.write(row, rowOf(row + 1));
  expect((await stat(path)).size).toBe(3 * keptRowBytes(bytes));
  expect([2, 3].map((row) => read(kept, row))).toEqual([rowOf(3), undefined]);
});
