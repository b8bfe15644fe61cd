import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DistilleryQueue, openQueue, type PrivateRedis, startPrivateRedis } from '../index.ts';

let server: PrivateRedis;
let redis: Redis;
let queue: DistilleryQueue;
beforeAll(async () => {
  server = await startPrivateRedis();
  redis = new Redis(server.url);
  queue = await openQueue({ url: server.url });
});
afterAll(async () => {
  await queue?.close();
  redis?.disconnect();
  await server?.stop();
});

test('our own server keeps every write, to the last one', async () => {
  await expect(queue.checkDurability()).resolves.toBeUndefined();
  expect(await redis.config('GET', 'appendfsync')).toEqual(['appendfsync', 'always']);
});

test('a server that evicts, or keeps no file, is refused with the settings to change', async () => {
  await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
  await expect(queue.checkDurability()).rejects.toMatchObject({
    code: 'redis_unavailable',
    message: expect.stringContaining('it evicts keys (allkeys-lru): set maxmemory-policy noeviction'),
  });
  await redis.config('SET', 'appendonly', 'no');
  await expect(queue.checkDurability()).rejects.toMatchObject({
    message: expect.stringMatching(
      /append-only file: set appendonly yes; it evicts keys.*REDIS_VOLATILE=allow/,
    ),
  });
  await redis.config('SET', 'maxmemory-policy', 'noeviction');
  await redis.config('SET', 'appendonly', 'yes');
  await expect(queue.checkDurability()).resolves.toBeUndefined();
});
