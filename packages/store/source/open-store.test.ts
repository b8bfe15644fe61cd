import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openStore, storeUrl } from './open-store.ts';
import { storeKinds } from './stores/index.ts';
import type { StoreContext } from './store-kind.ts';
import { manifestFile } from './testing/files.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-open-store-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('a path and its URL open the same store', async () => {
  const place = join(folder, 'a folder #1');
  const { digest } = await (await openStore(place)).put(Buffer.from('x'));
  for (const location of [pathToFileURL(place).href, `FILE:${pathToFileURL(place).pathname}`]) {
    const store = await openStore(location);
    expect(store.url).toBe(pathToFileURL(place).href);
    expect(await store.stat(digest)).toEqual({ digest, size: 1 });
  }
});

test.each([
  ['/var/lib/store', '/var/lib/store'],
  ['runs/store', resolve('runs/store')],
  ['./a:b', resolve('a:b')],
  ['file:///var/lib/store', '/var/lib/store'],
  ['file:/var/lib/store', '/var/lib/store'],
])('%s is a folder', (location, path) => {
  expect(storeUrl(location).href).toBe(pathToFileURL(path).href);
});

test.each([
  ['', /location of the store is empty/],
  [
    'ftp://host/store',
    /no store can be opened at ftp:\/\/host\/store: the scheme must be one of file:, s3:, /,
  ],
  ['file:store', /file:store is not an absolute file: URL/],
  ['file:///store?region=x', /neither \? nor #/],
  ['file:///store#x', /neither \? nor #/],
  ['file://host/store', /no store can be opened at file:\/\/host\/store: /],
  ['file:///a%2Fb', /no store can be opened at /],
])('%j is refused in one sentence', async (location, message) => {
  await expect(openStore(location)).rejects.toMatchObject({
    code: 'malformed_request',
    message: expect.stringMatching(message),
  });
});

test('a kind that a plug-in adds is opened by its scheme, with the whole URL', async () => {
  const opened: [string, StoreContext][] = [];
  storeKinds.add({
    scheme: 'beside',
    summary: 'A file store under another scheme',
    open(url, context) {
      opened.push([url.href, context]);
      return storeKinds.get('file').open(pathToFileURL(url.pathname), context);
    },
  });
  const warn = vi.fn<(message: string) => void>();
  const store = await openStore(`beside://bucket${folder}?region=x`, { warn });
  expect(opened).toEqual([[`beside://bucket${folder}?region=x`, { warn }]]);
  await store.put(Buffer.from('x'));
  expect(() => storeUrl('ftp://host')).toThrow(/one of file:, s3:, beside:, or a path/);
  expect(() => storeKinds.add({ ...storeKinds.get('beside') })).toThrow(/two stores named beside/);
  expect(() => storeKinds.get('ftp')).toThrow(/unknown store "ftp": file, s3, beside/);
});

test('a damaged manifest is a warning of the process, unless another receiver is given', async () => {
  const received: string[] = [];
  const store = await openStore(folder, { warn: (message) => received.push(message) });
  await store.commit('x', {});
  await writeFile(manifestFile(store, 'x'), '{');
  expect(await store.manifest('x')).toBeUndefined();
  expect(received).toEqual(['the manifest x is damaged and counts as absent: it is not a JSON object']);
  const emitted = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  await (await openStore(folder)).manifest('x');
  expect(emitted.mock.calls).toEqual([[received[0]]]);
  emitted.mockRestore();
});
