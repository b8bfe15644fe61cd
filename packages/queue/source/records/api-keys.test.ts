import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Redis } from 'ioredis';
import { privateQueue } from '../testing/queue.ts';

const held = privateQueue();
const made = { name: 'vision', scope: 'submit', jobs: 3, rate: null } as const;

test('a key opens until it is revoked, and only with the whole of its token', async () => {
  const { apiKeys } = held.queue;
  const { token, ...key } = await apiKeys.create(made);
  expect(token).toMatch(/^dk_[0-9a-f]{12}_[\w-]{43}$/);
  expect(await apiKeys.verify(token)).toEqual({ ...key, ...made, revokedAt: null });
  const [dk, id, ...secret] = token.split('_');
  const other = secret.join('_').replace(/./, (first) => (first === 'A' ? 'B' : 'A'));
  for (const wrong of [
    '',
    'dk__',
    `${dk}_${id}_`,
    `${dk}_${id}_${other}`,
    `${dk}_${'0'.repeat(12)}_${secret.join('_')}`,
    `${token}x`,
    ` ${token}`,
    `${token}\n`,
  ]) {
    expect(await apiKeys.verify(wrong), wrong).toBeUndefined();
  }
  const revoked = await apiKeys.revoke(key.id);
  expect(revoked).toMatchObject({ id: key.id, revokedAt: expect.stringMatching(/Z$/) });
  expect(await apiKeys.verify(token)).toBeUndefined();
  // Asked twice, it stays at the first time.
  expect(await apiKeys.revoke(key.id)).toEqual(revoked);
  expect(await apiKeys.revoke('ffffffffffff')).toBeUndefined();
  expect(await apiKeys.list()).toMatchObject([{ id: key.id, lastUsedAt: expect.stringMatching(/Z$/) }]);
});

test('a key ends by itself when its time has come, also for the sessions that began with it', async () => {
  const { apiKeys, sessions } = held.queue;
  const soon = new Date(Date.now() + 1500).toISOString();
  const { token, id } = await apiKeys.create({ ...made, expiresAt: soon });
  const session = await sessions.create(id);
  expect(await apiKeys.verify(token)).toMatchObject({ id, expiresAt: soon });
  expect(await sessions.verify(session)).toMatchObject({ id });
  await delay(Date.parse(soon) - Date.now() + 20);
  expect(await apiKeys.verify(token)).toBeUndefined();
  expect(await sessions.verify(session)).toBeUndefined();
  expect((await apiKeys.list()).find((key) => key.id === id)).toMatchObject({
    expiresAt: soon,
    revokedAt: null,
  });
});

test('two keys of one name are valid side by side until the first is revoked', async () => {
  const { apiKeys } = held.queue;
  const [before, after] = [await apiKeys.create(made), await apiKeys.create(made)];
  expect(await apiKeys.verify(before.token)).toMatchObject({ name: made.name });
  expect(await apiKeys.verify(after.token)).toMatchObject({ name: made.name });
  await apiKeys.revoke(before.id);
  expect(await apiKeys.verify(before.token)).toBeUndefined();
  expect(await apiKeys.verify(after.token)).toMatchObject({ id: after.id });
});

test('no secret is stored in Redis', async () => {
  const { token } = await held.queue.apiKeys.create(made);
  const redis = new Redis(held.redis.url);
  try {
    const found: string[] = [];
    for (const key of await redis.keys('*apikey*')) {
      found.push(JSON.stringify((await redis.type(key)) === 'hash' ? await redis.hgetall(key) : key));
    }
    expect(found.length).toBeGreaterThan(1);
    expect(found.join('')).not.toContain(token.slice(-43));
  } finally {
    redis.disconnect();
  }
});

test('requests are counted for each by itself, and anew every minute', async () => {
  const { requests } = held.queue;
  const counts = await Promise.all(Array.from({ length: 5 }, () => requests.add('key:a')));
  expect(new Set(counts.map(({ count }) => count))).toEqual(new Set([1, 2, 3, 4, 5]));
  for (const { resetSeconds } of counts) {
    expect(resetSeconds).toBeGreaterThan(0);
    expect(resetSeconds).toBeLessThanOrEqual(60);
  }
  expect(await requests.add('key:b')).toMatchObject({ count: 1 });
});

test('the audit is read newest first, page by page', async () => {
  const { audit } = held.queue;
  const entry = { key: 'k', owner: 'vision', action: 'POST /v1/jobs', job: null, status: 422, count: null };
  for (let i = 0; i < 5; i++) {
    await audit.record({ ...entry, code: 'invalid_spec', request: `r${i}`, address: '::1' });
  }
  const first = await audit.read({ limit: 3 });
  expect(first.entries.map(({ request }) => request)).toEqual(['r4', 'r3', 'r2']);
  expect(first.entries[0]).toEqual({
    ...entry,
    id: expect.stringMatching(/^\d+-\d+$/),
    time: expect.stringMatching(/Z$/),
    code: 'invalid_spec',
    request: 'r4',
    address: '::1',
  });
  const second = await audit.read({ limit: 3, after: first.next ?? '' });
  expect([second.entries.map(({ request }) => request), second.next]).toEqual([['r1', 'r0'], null]);
});

test('refusals displace no change, and are read together with changes', async () => {
  const { audit } = held.queue;
  const none = { job: null, code: null, request: null, address: null, count: null };
  await audit.record({ ...none, key: 'k', owner: 'vision', action: 'POST /v1/jobs', status: 202 });
  const refused = { ...none, key: null, owner: null, action: 'GET /v1/jobs', status: 401 };
  // Redis removes whole nodes of a stream, so that it keeps somewhat more than 10 000.
  for (let batch = 0; batch < 12; batch++) {
    const entries = Array.from({ length: 1000 }, (_, i) =>
      audit.record({ ...refused, count: batch * 1000 + i }),
    );
    await Promise.all(entries);
  }
  const actions: string[] = [];
  const ids: string[] = [];
  let after: string | undefined;
  do {
    const page = await audit.read({ limit: 1000, ...(after !== undefined && { after }) });
    actions.push(...page.entries.map(({ action, status }) => `${action} ${status}`));
    ids.push(...page.entries.map(({ id }) => id));
    after = page.next ?? undefined;
  } while (after !== undefined);
  const times = ids.map((id) => Number.parseInt(id, 10));
  expect(times).toEqual(times.toSorted((a, b) => b - a));
  expect(actions).toContain('POST /v1/jobs 202');
  const refusals = actions.filter((action) => action === 'GET /v1/jobs 401').length;
  expect(refusals).toBeGreaterThanOrEqual(10_000);
  expect(refusals).toBeLessThan(12_000);
});
