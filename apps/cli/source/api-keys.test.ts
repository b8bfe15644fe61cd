import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify, stripVTControlCharacters } from 'node:util';
import { type DistilleryQueue, openQueue, type PrivateRedis, startPrivateRedis } from '@distillery/queue';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createKey, listKeys, revokeKey } from './api-keys.ts';

let folder: string;
let redis: PrivateRedis;
let queue: DistilleryQueue;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-keys-'));
  redis = await startPrivateRedis({ dir: join(folder, 'redis') });
  queue = await openQueue({ url: redis.url });
});
afterAll(async () => {
  await queue?.close();
  await redis?.stop();
  await rm(folder, { recursive: true });
});

test('a key is created, listed without its secret and revoked, with audit entries', async () => {
  expect(await listKeys(redis.url)).toContain('distill keys create');
  const printed = await createKey(redis.url, { name: 'ann', scope: 'submit', jobs: 3, rate: null });
  const token = /dk_[0-9a-f]{12}_[\w-]{43}/.exec(printed)?.[0] ?? '';
  const key = await queue.apiKeys.verify(token);
  expect(key).toMatchObject({ name: 'ann', scope: 'submit', jobs: 3, rate: null });
  const id = key?.id ?? '';

  const row = async () =>
    stripVTControlCharacters(await listKeys(redis.url))
      .split('\n')
      .find((line) => line.includes(id))
      ?.replaceAll(/\s+/g, ' ');
  expect(await row()).toMatch(/ ann – submit 3 – \d{4}-\d\d-\d\d .*valid/);
  expect(await listKeys(redis.url)).not.toContain(token.split('_').slice(2).join('_'));

  expect(await revokeKey(redis.url, id)).toContain('the key of ann');
  expect(await revokeKey(redis.url, id)).toContain('is revoked');
  expect(await queue.apiKeys.verify(token)).toBeUndefined();
  expect(await row()).toMatch(/revoked$/);

  const { entries } = await queue.audit.read({ limit: 10 });
  expect(entries.map(({ action, owner, key }) => [action, owner, key])).toEqual([
    ['keys revoke', 'ann', id],
    ['keys revoke', 'ann', id],
    ['keys create', 'ann', id],
  ]);
});

test('a key tells when it ends, and that it has ended', async () => {
  const create = (expiresAt: string) =>
    createKey(redis.url, { name: 'guest', scope: 'read', jobs: null, rate: null, expiresAt });
  expect(await create('2099-01-31T12:00:00.000Z')).toContain('It ends at 2099-01-31T12:00:00.000Z.');
  await create('2020-01-31T12:00:00.000Z');
  // Cells take several lines in a narrow terminal.
  const listed = stripVTControlCharacters(await listKeys(redis.url));
  for (const part of ['until', '2099-01-31', 'expired', '2020-01-31']) expect(listed).toContain(part);
});

test('invalid requests are refused and change nothing', async () => {
  const before = (await queue.apiKeys.list()).length;
  expect(() => createKey(redis.url, { name: 'no spaces', scope: 'read', jobs: null, rate: null })).toThrow(
    '--name no spaces:',
  );
  await expect(revokeKey(redis.url, '000000000000')).rejects.toThrow(
    'there is no key 000000000000; see: distill keys list',
  );
  expect(await queue.apiKeys.list()).toHaveLength(before);
});

test('keys finds the Redis of a service that runs in the folder', async () => {
  const main = resolve(import.meta.dirname, 'main.ts');
  const distill = (...args: string[]) =>
    promisify(execFile)(process.execPath, ['--import', 'tsx', main, ...args, '--folder', folder], {
      env: { ...process.env, REDIS_URL: '' },
    });
  const { stdout } = await distill('keys', 'create', '--name', 'bea');
  const token = /dk_[0-9a-f]{12}_[\w-]{43}/.exec(stdout)?.[0] ?? '';
  expect(await queue.apiKeys.verify(token)).toMatchObject({ name: 'bea' });
});
