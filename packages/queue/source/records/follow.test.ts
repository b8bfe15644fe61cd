import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobEvent } from '@distillery/spec';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type DistilleryQueue,
  type Followed,
  openQueue,
  type PrivateRedis,
  startPrivateRedis,
} from '../index.ts';
import { keysUnder } from '../redis/keys.ts';
import { isLaterId } from '../redis/stream.ts';
import { graph, job, until } from '../testing/queue.ts';

let dir: string;
let redis: PrivateRedis;
/** As of a worker, which writes events. */
let writer: DistilleryQueue;
/** As of an API, which follows them. */
let queue: DistilleryQueue;
let inspector: Redis;
const keys = keysUnder('{distillery}');

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'distillery-test-'));
  redis = await startPrivateRedis({ dir });
  writer = await openQueue({ url: redis.url, onOutage: 'wait' });
  queue = await openQueue({ url: redis.url });
  inspector = new Redis(redis.url);
});
afterAll(async () => {
  inspector.disconnect();
  await queue.close();
  await writer.close();
  await redis.stop();
  await rm(dir, { recursive: true });
});

const never = () => new AbortController().signal;
const newJob = async () => (await writer.jobs.create(job({ stages: graph(['a']) }))).view.id;
const line = (message: string) => ({ source: 'trainer', level: 'info', message }) as const;

/** Begins the first stage of a job, and returns how to log lines in it. */
async function logging(id: string) {
  const begun = await writer.attempts.begin(id, 'teacher', 'w');
  if ('skip' in begun) throw new Error(begun.skip);
  const log = async (count: number) => {
    await writer.attempts.log(
      begun,
      Array.from({ length: count }, (_, i) => line(`${i}`)),
    );
  };
  return { attempt: begun, log };
}

/** The ids that come until the parts end, or until there are `count`; `gone` where events are missing. */
async function take(parts: AsyncIterable<Followed>, count = Infinity): Promise<string[]> {
  const seen: string[] = [];
  for await (const part of parts) {
    if ('gone' in part) seen.push('gone');
    else seen.push(...part.events.map(({ id }) => id));
    if (seen.length >= count) break;
  }
  return seen;
}

async function logOf(id: string): Promise<string[]> {
  return (await queue.events.read(id, undefined, 100_000)).map((event) => event.id);
}

test('what was there, then what comes, each event once, up to the end of the job', async () => {
  const id = await newJob();
  const { attempt, log } = await logging(id);
  await log(700);
  const { ended, parts } = await queue.events.follow(id, undefined, never());
  expect(ended).toBe(false);
  const taken = take(parts);
  for (let i = 0; i < 20; i++) await log(37);
  await writer.control.cancel(id);
  await writer.attempts.handBack(attempt);
  const seen = await taken;
  expect(seen).toEqual(await logOf(id));
  expect(seen).toHaveLength(3 + 700 + 20 * 37 + 1 + 3 + 2);

  const from = seen[300];
  expect(await take((await queue.events.follow(id, from, never())).parts)).toEqual(seen.slice(301));
  expect(await queue.events.follow(id, seen.at(-1), never())).toMatchObject({ ended: true });
  expect((await queue.events.follow(id, seen.at(-2), never())).ended).toBe(false);
});

test('events that are gone are told of, wherever they were', async () => {
  const id = await newJob();
  const { log } = await logging(id);
  await log(500);
  const before = await logOf(id);
  await inspector.xtrim(keys.events(id), 'MAXLEN', 100);
  const kept = before.slice(-100);
  const follow = async (after?: string) => {
    const stop = new AbortController();
    const { parts } = await queue.events.follow(id, after, stop.signal);
    const seen = await take(parts, after !== undefined && kept.includes(after) ? 10 : 101);
    stop.abort();
    return seen;
  };
  expect(await follow()).toEqual(['gone', ...kept]);
  expect(await follow(before[10])).toEqual(['gone', ...kept]);
  expect(await follow(kept[0])).toEqual(kept.slice(1));
  // Redis has lost the event that the follower has.
  expect(await follow('9999999999999-0')).toEqual(['gone', ...kept]);
});

test('a follower that takes nothing keeps nothing, and then gets all', async () => {
  const id = await newJob();
  const { log } = await logging(id);
  const slow = (await queue.events.follow(id, undefined, never())).parts;
  const first = await slow.next();
  expect(first.value).toMatchObject({ events: { length: 3 } });
  const fast = (await queue.events.follow(id, undefined, never())).parts;
  const quick = take(fast, 3 + 5000);
  for (let i = 0; i < 10; i++) await log(500);
  const all = await logOf(id);
  expect(await quick).toEqual(all);
  const late = await slow.next();
  // Of the page size, not all that has come meanwhile.
  expect((late.value as { events: JobEvent[] }).events.length).toBeLessThanOrEqual(1000);
  const rest = await take(slow, all.length - 3 - (late.value as { events: JobEvent[] }).events.length);
  expect([
    ...all.slice(0, 3),
    ...(late.value as { events: JobEvent[] }).events.map((event) => event.id),
    ...rest,
  ]).toEqual(all);
});

test('all jobs: from now on or behind an event, in one order', async () => {
  const [one, two] = [await newJob(), await newJob()];
  const logs = [(await logging(one)).log, (await logging(two)).log];
  const parts = await queue.events.followAll(undefined, never());
  const begin = (await parts.next()).value as { gone: { latest: string } };
  expect(begin.gone.latest).toBe((await logOf(two)).at(-1));
  for (let i = 0; i < 10; i++) await logs[i % 2](3);
  const seen = await take(parts, 30);
  const written = [...(await logOf(one)), ...(await logOf(two))]
    .filter((id) => isLaterId(id, begin.gone.latest))
    .toSorted((a, b) => (isLaterId(a, b) ? 1 : -1));
  expect(seen).toEqual(written);
  const resumed = await queue.events.followAll(seen[9], never());
  expect(await take(resumed, 20)).toEqual(seen.slice(10));
});

test('an unknown job is refused', async () => {
  for (const id of ['job_00000000000000000000000000', 'x:events'])
    await expect(queue.events.follow(id, undefined, never())).rejects.toMatchObject({
      code: 'job_not_found',
    });
});

test('200 followers read through one connection, and Redis may go and come back', async () => {
  const connections = async () =>
    String(await inspector.client('LIST'))
      .trim()
      .split('\n').length;
  const other = await openQueue({ url: redis.url });
  await other.ping();
  const before = await connections();
  const ids = [await newJob(), await newJob()];
  const logs = [(await logging(ids[0])).log, (await logging(ids[1])).log];
  const following = await Promise.all(
    Array.from({ length: 200 }, (_, i) => other.events.follow(ids[i % 2], undefined, never())),
  );
  const taken = following.map(({ parts }) => take(parts, 3 + 60));
  await logs[0](20);
  await logs[1](20);
  await until(connections, (count) => count === before + 1);

  await redis.stop();
  const writing = Promise.all(logs.map((log) => log(20)));
  redis = await startPrivateRedis({ dir, port: Number(new URL(redis.url).port) });
  await writing;
  await logs[0](20);
  await logs[1](20);
  const expected = [await logOf(ids[0]), await logOf(ids[1])];
  for (const [i, seen] of (await Promise.all(taken)).entries()) expect(seen).toEqual(expected[i % 2]);
  await other.close();
});
