import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StagePlan } from '@distillery/spec';
import { job, privateQueue, until } from '../testing/queue.ts';

const held = privateQueue();
let redis: Redis;
beforeAll(() => {
  redis = new Redis(held.redis.url);
});
afterAll(() => redis.disconnect());

const stagesOf = (count: number): StagePlan[] =>
  Array.from({ length: count }, (_, n) => ({ id: `s${n}`, kind: 'teacher', needs: [], work: 1, input: {} }));

test('workers of an idle fleet choose different stages, each at the price of a few scripts', async () => {
  const count = 60;
  let begun = 0;
  const consumer = await held.queue.stages.consume(
    async () => {
      begun++;
      // Until all run, none of them ends.
      await until(
        async () => begun,
        (number) => number === count,
      );
    },
    { worker: 'w', concurrency: count },
  );
  await redis.config('RESETSTAT');
  const { view } = await held.queue.jobs.create(job({ stages: stagesOf(count) }));
  await held.queue.stages.offer();
  await until(
    async () => begun,
    (number) => number === count,
  );
  const scripts = Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1]);
  await until(
    async () => (await held.queue.jobs.get(view.id)).view.state,
    (state) => state === 'succeeded',
  );
  await consumer.close();
  // To take a ticket, to choose and to begin; a fleet whose workers all choose the same stage needs half as many as stages, for each.
  expect(scripts / count).toBeLessThan(10);
});

test('a stage whose worker died between choosing and beginning it is queued again when its ticket is gone', async () => {
  const { view } = await held.queue.jobs.create(job({ stages: stagesOf(1) }));
  // What the script that chooses does.
  const [member] = await redis.zrange('{distillery}:work:ready', '0', '-1');
  await redis.zrem('{distillery}:work:ready', member);
  await redis.hset('{distillery}:work:running', 'ticket-that-is-gone', `${view.id} s0 - - -`);
  await held.queue.stages.reconcile();
  expect(await redis.hlen('{distillery}:work:running')).toBe(0);
  expect(await redis.zrange('{distillery}:work:ready', '0', '-1')).toEqual([member]);
  const consumer = await held.queue.stages.consume(async () => 1, { worker: 'w' });
  await until(
    async () => (await held.queue.jobs.get(view.id)).view.state,
    (state) => state === 'succeeded',
  );
  await consumer.close();
});
