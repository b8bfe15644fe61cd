import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DistilleryQueue, openQueue, type PrivateRedis, startPrivateRedis } from './index.ts';
import { job, until } from './testing/queue.ts';

let dir: string;
let redis: PrivateRedis;
let open: DistilleryQueue[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'distillery-test-'));
  redis = await startPrivateRedis({ dir });
});
afterAll(async () => {
  await Promise.all(open.map((queue) => queue.close()));
  await redis.stop();
  await rm(dir, { recursive: true });
});

const restart = async () => {
  redis = await startPrivateRedis({ dir, port: Number(new URL(redis.url).port) });
};

test('one connection fails at once, the other waits; both come back, and the work goes on', async () => {
  const failing = await openQueue({ url: redis.url });
  const waiting = await openQueue({ url: redis.url, onOutage: 'wait' });
  open = [failing, waiting];
  const { view } = await failing.jobs.create(job());
  const seen: string[] = [];
  await waiting.stages.consume(
    async (run) => {
      seen.push(run.stageId);
      await run.warning('on my way');
      await new Promise((resolve) => setTimeout(resolve, 400));
      await run.warning('through');
      return 1;
    },
    { worker: 'w' },
  );
  await until(
    async () => seen.length,
    (length) => length > 0,
  );
  await redis.stop();

  const refused = { code: 'redis_unavailable' };
  // Refused because the connection is down, not because an answer took too long.
  const refusedAtOnce = {
    ...refused,
    message: expect.stringMatching(/Connection is closed|isn't writeable/),
  };
  await expect(failing.ping()).rejects.toMatchObject(refusedAtOnce);
  await expect(failing.jobs.get(view.id)).rejects.toMatchObject(refusedAtOnce);
  await expect(failing.jobs.create(job())).rejects.toMatchObject(refusedAtOnce);
  await expect(failing.stages.offer()).rejects.toMatchObject(refusedAtOnce);

  const opened = await openQueue({ url: redis.url });
  open.push(opened);
  await expect(opened.stages.offer()).rejects.toMatchObject(refused);
  await new Promise((resolve) => setTimeout(resolve, 500));
  await restart();

  await until(
    async () =>
      failing.ping().then(
        () => true,
        () => false,
      ),
    (up) => up,
  );
  // Nothing of what was refused has happened after all.
  expect((await failing.jobs.list({})).jobs).toHaveLength(1);
  const end = await until(
    async () => (await failing.jobs.get(view.id)).view,
    ({ finishedAt }) => finishedAt !== null,
  );
  expect(end.state).toBe('succeeded');
  expect(end.stages.every(({ attempt }) => attempt === 1)).toBe(true);
});
