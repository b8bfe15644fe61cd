import { stripVTControlCharacters } from 'node:util';
import { type DistilleryQueue, openQueue, type PrivateRedis, startPrivateRedis } from '@distillery/queue';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createKey, listKeys, revokeKey } from './keys.ts';

let redis: PrivateRedis;
let queue: DistilleryQueue;
beforeAll(async () => {
  redis = await startPrivateRedis();
  queue = await openQueue({ url: redis.url });
  vi.stubEnv('REDIS_URL', redis.url);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await queue?.close();
  await redis?.stop();
});

test('a key is made, listed without its secret, revoked, and all of it noted', async () => {
  expect(await listKeys()).toContain('distill keys create');
  const said = await createKey({ name: 'ann', scope: 'submit', jobs: 3, rate: null });
  const token = /dk_[0-9a-f]{12}_[\w-]{43}/.exec(said)?.[0] ?? '';
  const key = await queue.apiKeys.verify(token);
  expect(key).toMatchObject({ name: 'ann', scope: 'submit', jobs: 3, rate: null });
  const id = key?.id ?? '';

  const row = async () =>
    stripVTControlCharacters(await listKeys())
      .split('\n')
      .find((line) => line.includes(id))
      ?.replaceAll(/\s+/g, ' ');
  expect(await row()).toMatch(/ ann submit 3 default \d{4}-\d\d-\d\d \d\d:\d\d .* good/);
  expect(await listKeys()).not.toContain(token.split('_').slice(2).join('_'));

  expect(await revokeKey(id)).toContain('the key of ann');
  expect(await revokeKey(id)).toContain('opens nothing from now on');
  expect(await queue.apiKeys.verify(token)).toBeUndefined();
  expect(await row()).toMatch(/revoked \d{4}-/);

  const { entries } = await queue.audit.read({ limit: 10 });
  expect(entries.map(({ action, owner, key }) => [action, owner, key])).toEqual([
    ['keys revoke', 'ann', id],
    ['keys revoke', 'ann', id],
    ['keys create', 'ann', id],
  ]);
});

test('what cannot be is refused, and makes nothing', async () => {
  const before = (await queue.apiKeys.list()).length;
  expect(() => createKey({ name: 'no spaces', scope: 'read', jobs: null, rate: null })).toThrow(
    '--name no spaces:',
  );
  await expect(revokeKey('000000000000')).rejects.toThrow(
    'there is no key 000000000000; see: distill keys list',
  );
  expect(await queue.apiKeys.list()).toHaveLength(before);
  vi.stubEnv('REDIS_URL', '');
  await expect(listKeys()).rejects.toThrow('REDIS_URL is not set');
});
