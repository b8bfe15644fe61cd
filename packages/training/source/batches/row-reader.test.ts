import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomStream } from '@distillery/engine';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openRows, type RowFile } from './row-reader.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-reader-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A file of float32 rows; number i of the file is i. */
async function written(rows: number, length: number): Promise<RowFile> {
  const path = join(folder, `${rows}x${length}`);
  await writeFile(
    path,
    Float32Array.from({ length: rows * length }, (_, i) => i),
  );
  return { path, digest: 'd1', shape: [length], length, dtype: 'F32' };
}

test.each([
  { what: 'that lie in one block', rows: 500, length: 3 },
  { what: 'of many blocks', rows: 50, length: 5000 },
  { what: 'longer than a block', rows: 3, length: 100_001 },
])('rows $what come back in the order asked for', async ({ rows, length }) => {
  const reader = openRows(await written(rows, length));
  const every = randomStream(1).shuffle(Int32Array.from({ length: rows }, (_, row) => row));
  for (const positions of [every, every.slice(0, 2), Int32Array.of(rows - 1, 0, rows - 1)]) {
    const read = reader.read(positions);
    expect(read).toHaveLength(positions.length * length);
    const wrong = read.findIndex((value, i) => {
      return value !== Math.fround(positions[Math.floor(i / length)] * length + (i % length));
    });
    expect(wrong).toBe(-1);
  }
  reader.close();
});

test('a file that was cut short gives the rows that are whole and names the first that is not', async () => {
  const file = await written(10, 4);
  await truncate(file.path, 6 * 16 + 7);
  const reader = openRows(file);
  expect([...reader.read(Int32Array.of(5))]).toEqual([20, 21, 22, 23]);
  expect(() => reader.read(Int32Array.of(8, 0, 5, 6, 7))).toThrow(
    expect.objectContaining({ code: 'artifact_corrupt', message: 'd1: row 6 is cut short' }),
  );
  expect(() => reader.read(Int32Array.of(9))).toThrow('d1: row 9 is cut short');
  reader.close();
});
