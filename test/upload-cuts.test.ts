import { randomBytes } from 'node:crypto';
import { privateApi } from '@distillery/api/testing';
import { sha256, type Upload } from '@distillery/spec';
import { Upload as TusUpload } from 'tus-js-client';
import { expect, test } from 'vitest';
import { startTcpProxy } from './testing/tcp-proxy.ts';

const held = privateApi();

test('an upload whose connection is cut 20 times ends with the same bytes', {
  timeout: 120_000,
}, async () => {
  const content = randomBytes(40 * 2 ** 20);
  let cuts = 0;
  // The first connections are reset after about a megabyte of what the client sends.
  const room = () => (cuts < 20 ? 700_000 + Math.floor(Math.random() * 600_000) : Infinity);
  const proxy = await startTcpProxy(Number(new URL(held.api.url).port), undefined, room);
  const upload = new TusUpload(content, {
    endpoint: `http://127.0.0.1:${proxy.port}/v1/uploads`,
    metadata: { filename: 'random.bin' },
    chunkSize: 8 * 2 ** 20,
    retryDelays: Array.from({ length: 1000 }, () => 10),
    onShouldRetry: () => {
      cuts++;
      return true;
    },
  });
  await new Promise<void>((resolve, reject) => {
    upload.options.onSuccess = () => resolve();
    upload.options.onError = reject;
    upload.start();
  });
  await proxy.close();
  const id = (upload.url as string).split('/').at(-1);
  const kept = (await (await held.request(`/v1/uploads/${id}`)).json()) as Upload;
  expect(cuts).toBeGreaterThanOrEqual(20);
  expect(kept).toMatchObject({ state: 'complete', size: content.length, digest: sha256(content) });
  expect(Buffer.from(await held.store.read(kept.digest as string)).equals(content)).toBe(true);
});
