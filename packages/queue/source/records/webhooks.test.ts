import type { NewWebhook, WebhookPayload } from '@distillery/spec';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ClaimedDelivery, Outcome } from './deliveries.ts';
import { job, privateQueue, until } from '../testing/queue.ts';

const held = privateQueue();
let stop: AbortController;
let passing: Promise<void>[];
let redis: Redis;

beforeEach(async () => {
  redis = new Redis(held.redis.url);
  await redis.flushall();
  stop = new AbortController();
  passing = [];
});
afterEach(async () => {
  stop.abort();
  await Promise.all(passing);
  redis.disconnect();
});

const pass = () => passing.push(held.queue.webhooks.passEvents(stop.signal));
const webhook = (over: Partial<NewWebhook> = {}, owner: string | null = null) =>
  held.queue.webhooks.create(
    { url: 'https://example.com/hook', description: '', events: ['job'], jobs: 'all', ...over },
    owner,
    undefined,
  );
const create = (over: Parameters<typeof job>[0] = {}) => held.queue.jobs.create(job(over));
const waiting = async (id: string) => {
  const { deliveries } = await held.queue.webhooks.deliveries.list(id, { state: 'waiting', limit: 100 });
  return deliveries.map((one) => `${one.job} ${one.type}`).reverse();
};
const claim = async (ms = 60_000) => {
  const found = await held.queue.webhooks.deliveries.claim(ms);
  return typeof found === 'object' ? found : undefined;
};
const settle = (claimed: ClaimedDelivery | undefined, outcome: Partial<Outcome> = {}) =>
  held.queue.webhooks.deliveries.settle(claimed as ClaimedDelivery, {
    attempt: { time: new Date().toISOString(), durationMs: 1, status: 200, error: null },
    next: 'delivered',
    ...outcome,
  });

test('each event is passed once, whichever processes read the log, from the creation of a webhook on', async () => {
  await create();
  const { id } = await webhook();
  for (let i = 0; i < 3; i++) pass();
  const jobs = [];
  for (let i = 0; i < 20; i++) jobs.push((await create()).view.id);
  await held.queue.control.cancel(jobs[0]);
  const expected = [
    ...jobs.map((one) => `${one} job.queued`),
    `${jobs[0]} job.cancelling`,
    `${jobs[0]} job.cancelled`,
  ];
  await until(
    () => waiting(id),
    (found) => found.length >= expected.length,
  );
  expect(await waiting(id)).toEqual(expected);
  expect(await redis.hlen(`{distillery}:webhook:${id}:deliveries`)).toBe(3 * expected.length);
});

test('a webhook gets what it asks for: the states it names, of jobs of its owner, that name it', async () => {
  const ana = { name: 'ana', jobs: 10 };
  const [all, ends, named, theirs, without] = [
    await webhook({}, 'ana'),
    await webhook({ events: ['job.cancelled', 'stage'] }, 'ana'),
    await webhook({ jobs: 'named' }, 'ana'),
    await webhook({ jobs: 'named' }, 'ben'),
    await webhook(),
  ];
  pass();
  const first = (await create({ owner: ana })).view.id;
  const second = (await create({ owner: ana, webhooks: [named.id, theirs.id] })).view.id;
  const nobody = (await create()).view.id;
  await held.queue.control.cancel(first);
  await until(
    () => waiting(all.id),
    (found) => found.length >= 4,
  );
  await until(
    () => waiting(without.id),
    (found) => found.length >= 1,
  );
  expect(await waiting(all.id)).toEqual([
    `${first} job.queued`,
    `${second} job.queued`,
    `${first} job.cancelling`,
    `${first} job.cancelled`,
  ]);
  expect((await waiting(ends.id)).filter((one) => !one.endsWith('stage.cancelled'))).toEqual([
    `${first} job.cancelled`,
  ]);
  expect((await waiting(ends.id)).length).toBeGreaterThan(1);
  expect(await waiting(named.id)).toEqual([`${second} job.queued`]);
  expect(await waiting(theirs.id)).toEqual([]);
  expect(await waiting(without.id)).toEqual([`${nobody} job.queued`]);
});

test('the last event of a job that is deleted at once is passed, with what is told of the job', async () => {
  const { id } = await webhook({ events: ['job.cancelled'] });
  const gone = (await create({ name: 'short', labels: { team: 'blue' } })).view.id;
  await held.queue.control.cancel(gone);
  await held.queue.control.remove(gone, []);
  pass();
  await until(
    () => waiting(id),
    (found) => found.length > 0,
  );
  const claimed = await claim();
  const { type, data } = JSON.parse(claimed?.payload ?? '') as WebhookPayload;
  expect(type).toBe('job.cancelled');
  expect(data.event).toMatchObject({ id: claimed?.id, job: gone, state: 'cancelled', reason: null });
  expect(data.job).toEqual({ id: gone, name: 'short', labels: { team: 'blue' }, owner: null, best: null });
});

test('events that the log of all jobs has lost meanwhile come from the logs of the jobs', async () => {
  const { id } = await webhook();
  const [one, two] = [(await create()).view.id, (await create()).view.id];
  await held.queue.control.cancel(one);
  await redis.xtrim('{distillery}:events', 'MAXLEN', 1);
  pass();
  pass();
  const three = (await create()).view.id;
  const expected = [
    `${one} job.queued`,
    `${two} job.queued`,
    `${one} job.cancelling`,
    `${one} job.cancelled`,
    `${three} job.queued`,
  ];
  await until(
    () => waiting(id),
    (found) => found.length >= expected.length,
  );
  expect((await waiting(id)).sort()).toEqual(expected.sort());
});

test('a webhook has one delivery under way; a claim that ended passes to another process', async () => {
  const { id } = await webhook();
  const other = await webhook({ events: ['stage'] });
  pass();
  const one = (await create()).view.id;
  await held.queue.control.cancel(one);
  await until(
    async () => (await waiting(id)).length + (await waiting(other.id)).length,
    (count) => count >= 3 + 5,
  );
  const first = await claim(300);
  const second = await claim();
  expect(new Set([first?.webhook, second?.webhook])).toEqual(new Set([id, other.id]));
  // Both webhooks are busy until the first claim ends.
  expect(await claim()).toBeUndefined();
  const again = await until(claim, (found) => found !== undefined);
  expect(again).toMatchObject({ webhook: first?.webhook, id: first?.id, attempts: [] });
  expect(await settle(first)).toBe(false);
  expect(await settle(again)).toBe(true);
  const next = await claim();
  expect(next?.webhook).toBe(first?.webhook);
  expect(Number(next?.id.split('-')[0])).toBeGreaterThanOrEqual(Number(first?.id.split('-')[0]));
  expect(next?.id).not.toBe(first?.id);
});

test('a delivery that fails comes again later, behind the others, with its attempts', async () => {
  const { id } = await webhook();
  pass();
  const one = (await create()).view.id;
  const two = (await create()).view.id;
  await until(
    () => waiting(id),
    (found) => found.length === 2,
  );
  const failed = { time: new Date().toISOString(), durationMs: 5, status: 500, error: 'no' };
  const first = await claim();
  await settle(first, { attempt: failed, next: Date.now() + 200 });
  const second = await claim();
  expect([first?.head.job, second?.head.job]).toEqual([one, two]);
  expect((await held.queue.webhooks.get(id, null)).failingSince).not.toBeNull();
  await settle(second);
  expect(await held.queue.webhooks.get(id, null)).toMatchObject({
    failingSince: null,
    lastDeliveredAt: expect.any(String),
    waiting: 1,
  });
  const retried = await until(claim, (found) => found !== undefined);
  expect(retried).toMatchObject({ id: first?.id, attempts: [failed] });
  await settle(retried);
  const { deliveries } = await held.queue.webhooks.deliveries.list(id, { limit: 10 });
  expect(deliveries.map(({ state, attempts }) => [state, attempts.length])).toEqual([
    ['delivered', 1],
    ['delivered', 2],
  ]);
});

test('disabling gives up what waits, and a delivery can be sent again once it is enabled', async () => {
  const { id } = await webhook();
  pass();
  await create();
  await create();
  await until(
    () => waiting(id),
    (found) => found.length === 2,
  );
  const first = await claim();
  await settle(first, { next: 'failed', disable: 'gone' });
  const { deliveries } = held.queue.webhooks;
  expect(await held.queue.webhooks.get(id, null)).toMatchObject({
    enabled: false,
    disabledReason: 'gone',
    waiting: 0,
  });
  expect((await deliveries.list(id, { state: 'failed', limit: 10 })).deliveries).toHaveLength(2);
  await expect(deliveries.redeliver(id, first?.id ?? '')).rejects.toMatchObject({ code: 'state_conflict' });
  await held.queue.webhooks.change(id, null, { enabled: true });
  await expect(deliveries.redeliver(id, '1-1')).rejects.toMatchObject({ code: 'delivery_not_found' });
  await deliveries.redeliver(id, first?.id ?? '');
  expect(await claim()).toMatchObject({ id: first?.id, payload: first?.payload });
});

test('of deliveries that have ended, the last 200 are kept; the list comes in pages', async () => {
  const { id } = await webhook();
  const { deliveries } = held.queue.webhooks;
  const attempt = { time: new Date().toISOString(), durationMs: 1, status: 200, error: null };
  for (let i = 0; i < 210; i++) {
    const head = { type: 'test', job: null, createdAt: attempt.time } as const;
    await deliveries.note(id, { id: `${1000 + i}-test-0`, head, payload: '{}', attempt });
  }
  expect(await redis.hlen(`{distillery}:webhook:${id}:deliveries`)).toBe(200 * 5);
  const found = [];
  for (let after: string | undefined; ; ) {
    const page = await deliveries.list(id, { limit: 90, ...(after === undefined ? {} : { after }) });
    found.push(...page.deliveries.map((one) => one.id));
    if (page.next === null) break;
    after = page.next;
  }
  expect(found).toEqual(Array.from({ length: 200 }, (_, i) => `${1209 - i}-test-0`));
});

test('the number of an owner is bounded, secrets are told once, and removing leaves nothing', async () => {
  const { queue } = held;
  const given = {
    url: 'https://example.com/',
    description: '',
    events: ['job' as const],
    jobs: 'all' as const,
  };
  const both = await Promise.allSettled(
    Array.from({ length: 5 }, () => queue.webhooks.create(given, 'ana', 2)),
  );
  expect(
    both.filter(({ status }) => status === 'rejected').map((one) => (one as PromiseRejectedResult).reason),
  ).toMatchObject(Array.from({ length: 3 }, () => ({ code: 'quota_exceeded' })));
  const [{ id }] = await queue.webhooks.list('ana');
  expect(JSON.stringify(await queue.webhooks.list(undefined))).not.toContain('whsec_');
  await expect(queue.webhooks.get(id, 'ben')).rejects.toMatchObject({ code: 'webhook_not_found' });
  await expect(queue.webhooks.remove(id, 'ben')).rejects.toMatchObject({ code: 'webhook_not_found' });
  const before = await queue.webhooks.target(id, 'ana');
  const { secret } = await queue.webhooks.rotate(id, 'ana');
  expect((await queue.webhooks.target(id, 'ana')).secrets).toEqual([secret, ...before.secrets]);
  for (const one of await queue.webhooks.list(undefined)) await queue.webhooks.remove(one.id, undefined);
  expect(await redis.keys('*webhook*')).toEqual([]);
});
