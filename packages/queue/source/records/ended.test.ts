import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { job, privateQueue } from '../testing/queue.ts';

const held = privateQueue();

async function ended(): Promise<string> {
  const { control, jobs } = held.queue;
  const { view } = await jobs.create(job());
  await control.cancel(view.id);
  return view.id;
}

test('jobs that have ended expire by their age and by their number, the first to end first; others do not', async () => {
  const { control, ended: list, jobs } = held.queue;
  const first = await ended();
  const second = await ended();
  const third = await ended();
  await jobs.create(job());
  // A job that goes on has not ended.
  await control.retry(first);
  await control.cancel(first);
  expect(await list.expired({})).toEqual([]);
  expect(await list.expired({ count: 3 })).toEqual([]);
  expect(await list.expired({ count: 1 })).toEqual([second, third]);
  expect(await list.expired({ days: 1 })).toEqual([]);
  const redis = new Redis(held.redis.url);
  try {
    const key = '{distillery}:jobs:ended';
    await redis.zadd(key, Date.now() - 86_401_000, third);
    expect(await list.expired({ days: 1 })).toEqual([third]);
    expect(await list.expired({ days: 1, count: 1 })).toEqual([third, second]);
    await control.remove(third);
    expect(await list.expired({ days: 1, count: 1 })).toEqual([second]);
    // An earlier version kept no list.
    await redis.del(key);
    await list.adopt();
    expect(await list.expired({ count: 1 })).toEqual([second]);
  } finally {
    redis.disconnect();
  }
});
