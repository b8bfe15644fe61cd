import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore, type Store } from '@distillery/store';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readHeader } from './metadata.ts';

let folder: string;
let store: Store;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-metadata-'));
  store = await openStore(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A file that begins with a header of that length, which need not be true. */
async function file(header: string, length = Buffer.byteLength(header)): Promise<string> {
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(length));
  const { digest } = await store.put(Buffer.concat([size, Buffer.from(header), Buffer.alloc(16)]));
  return digest;
}

test('the metadata of a file are read from its header', async () => {
  const header = JSON.stringify({ __metadata__: { classes: '["cat"]' }, weight: { dtype: 'F32' } });
  expect((await readHeader(store, await file(header))).metadata).toEqual({ classes: '["cat"]' });
  expect((await readHeader(store, await file('{}'))).metadata).toEqual({});
});

test.each([
  ['a header that is no JSON', '{"a":', undefined],
  ['metadata that are no strings', '{"__metadata__":{"a":1}}', undefined],
  ['a header longer than the file', '{}', 1000],
])('%s is refused', async (_, header, length) => {
  const digest = await file(header, length);
  await expect(readHeader(store, digest)).rejects.toMatchObject({
    code: 'artifact_corrupt',
    message: `${digest} is not a safetensors file`,
  });
});

test('so are a file of a few bytes, and one that is not there', async () => {
  for (const bytes of ['', 'short']) {
    const { digest } = await store.put(Buffer.from(bytes));
    await expect(readHeader(store, digest)).rejects.toMatchObject({ code: 'artifact_corrupt' });
  }
  await expect(readHeader(store, 'a'.repeat(64))).rejects.toMatchObject({ code: 'checkpoint_not_found' });
});
