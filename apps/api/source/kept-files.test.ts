import { setTimeout as delay } from 'node:timers/promises';
import { formats, safetensors, type Weights } from '@distillery/formats';
import { sha256 } from '@distillery/spec';
import { teacherResult, trainedNetwork } from '@distillery/training/testing';
import { beforeAll, expect, test } from 'vitest';
import { collectLeftovers } from './artifacts/collect.ts';
import { finish, privateApi, submitted } from './testing/api.ts';

const held = privateApi({ collection: { everyMs: 3_600_000 } });

/** More than the event loop encodes. */
const weights: Weights = {
  parameters: [
    { name: 'fc.weight', dtype: 'F32', shape: [1000, 400], data: new Float32Array(400_000).fill(0.5) },
  ],
  metadata: { format: 'pt' },
};
const { encode, options } = formats.get('npz');
const expected = encode(weights, options.parse({}));
const digest = sha256(expected);
let id: string;

beforeAll(async () => {
  ({ id } = await submitted(held));
  const blob = await held.store.put(safetensors.encode(weights));
  const best = { epoch: 1, weights: blob };
  await finish(held, id, 'teacher', teacherResult(trainedNetwork({ best, last: best })));
});

const get = (headers: Record<string, string> = {}) =>
  held.request(`/v1/jobs/${id}/teacher/weights?format=npz`, { headers });
const isKept = async () => (await held.store.stat(digest)) !== undefined;

test('a large file is encoded once, read in ranges, collected when it is not used, and encoded again', async () => {
  expect(await isKept()).toBe(false);
  expect(Buffer.from(await (await get()).arrayBuffer()).equals(expected)).toBe(true);
  expect(await isKept()).toBe(true);
  const part = await get({ range: 'bytes=1000-1999' });
  expect([part.status, part.headers.get('content-range')]).toEqual([
    206,
    `bytes 1000-1999/${expected.length}`,
  ]);
  expect(Buffer.from(await part.arrayBuffer()).equals(expected.subarray(1000, 2000))).toBe(true);
  expect(part.headers.get('etag')).toBe(`"${digest}"`);

  await delay(20);
  expect((await collectLeftovers(held.queue, held.store, { marginMs: 0 })).blobs).toBe(1);
  expect(await isKept()).toBe(false);
  expect(Buffer.from(await (await get()).arrayBuffer()).equals(expected)).toBe(true);
  expect(await isKept()).toBe(true);
});
