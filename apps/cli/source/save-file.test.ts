import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { saveFile } from './save-file.ts';

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'distillery-save-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

test('a file is written piece by piece, and has its name when it is complete', async () => {
  const folder = await emptyFolder();
  const path = join(folder, 'weights');
  const before: string[][] = [];
  async function* pieces() {
    for (let i = 0; i < 50; i++) {
      yield new Uint8Array(100_000).fill(i);
      before.push(await readdir(folder));
    }
  }
  await saveFile(path, pieces());
  expect(before.at(-1)).toEqual(['weights.part']);
  expect(await readdir(folder)).toEqual(['weights']);
  const bytes = await readFile(path);
  expect(bytes.length).toBe(5_000_000);
  expect(bytes.every((byte, at) => byte === Math.floor(at / 100_000))).toBe(true);
});

test('a file that turns out to be damaged leaves an earlier one as it was, and no draft', async () => {
  const folder = await emptyFolder();
  const path = join(folder, 'weights');
  await saveFile(
    path,
    (async function* () {
      yield Uint8Array.of(1);
    })(),
  );
  const damaged = (async function* () {
    yield Uint8Array.of(2);
    throw new Error('weights has the SHA-256 00');
  })();
  await expect(saveFile(path, damaged)).rejects.toThrow('weights has the SHA-256 00');
  expect([...(await readFile(path))]).toEqual([1]);
  expect(await readdir(folder)).toEqual(['weights']);
});
