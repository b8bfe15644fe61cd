import { lstat, mkdtemp, readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { localFile } from './local-file.ts';
import { openStore } from './open-store.ts';
import type { Store } from './store.ts';
import { blobFile, flipByte } from './testing/files.ts';

let folder: string;
let files: string;
let store: Store;
/** The same store as one without files of its own. */
let remote: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-local-file-'));
  files = join(folder, 'files');
  store = await openStore(join(folder, 'store'));
  const { localFile: _own, ...rest } = store;
  remote = rest;
});
afterEach(() => rm(folder, { recursive: true }));

const put = async (content: string) => ({ ...(await store.put(Buffer.from(content))), name: 'a.csv' });

test("is a link to the store's own file", async () => {
  const file = await put('hello');
  const path = await localFile(store, file, { folder: files });
  expect(path).toBe(join(files, file.digest, 'a.csv'));
  expect(await readFile(path, 'utf8')).toBe('hello');
  expect((await stat(path)).ino).toBe((await stat(blobFile(store, file.digest))).ino);
  expect(await Promise.all([1, 2, 3].map(() => localFile(store, file, { folder: files })))).toEqual([
    path,
    path,
    path,
  ]);
  // Another name is another link.
  const other = await localFile(store, { ...file, name: 'b.csv' }, { folder: files });
  expect(await readFile(other, 'utf8')).toBe('hello');
});

test('is a copy where the store has no local file', async () => {
  const file = await put('hello');
  const path = await localFile(remote, file, { folder: files });
  expect([await readFile(path, 'utf8'), (await lstat(path)).isFile()]).toEqual(['hello', true]);
  expect(await readdir(join(files, file.digest))).toEqual(['a.csv']);
  await rm(blobFile(store, file.digest));
  await expect(localFile(remote, file, { folder: files })).rejects.toMatchObject({
    code: 'checkpoint_not_found',
  });
  expect(await readdir(files)).toEqual([]);
});

test('is never a damaged file', async () => {
  for (const kind of [() => store, () => remote]) {
    const file = await put(`content ${kind === undefined}`);
    await flipByte(blobFile(store, file.digest));
    await expect(localFile(kind(), file, { folder: files })).rejects.toMatchObject({
      code: 'artifact_corrupt',
    });
    await rm(files, { recursive: true });
  }
});

test('makes room for a copy by those that were not used for the longest time', async () => {
  const all = await Promise.all(['one__', 'two__', 'three', 'four_'].map(put));
  const age = async (index: number, hours: number) => {
    const at = new Date(Date.now() - hours * 3_600_000);
    await utimes(join(files, all[index].digest), at, at);
  };
  for (const file of all.slice(0, 3)) await localFile(remote, file, { folder: files, mostBytes: 15 });
  await age(0, 5);
  await age(1, 9);
  await localFile(remote, all[3], { folder: files, mostBytes: 15 });
  const kept = await readdir(files);
  expect(all.map(({ digest }) => kept.includes(digest))).toEqual([true, false, true, true]);
  // What may be in use stays, even beyond the bound.
  await localFile(remote, all[1], { folder: files, mostBytes: 5 });
  const after = await readdir(files);
  expect(all.map(({ digest }) => after.includes(digest))).toEqual([false, true, true, true]);
});
