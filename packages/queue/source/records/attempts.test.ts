import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Attempt } from '../index.ts';
import { graph, job, privateQueue, progress } from '../testing/queue.ts';

const held = privateQueue();
let redis: Redis;
beforeAll(() => {
  redis = new Redis(held.redis.url);
});
afterAll(() => redis.disconnect());

/** Every key with all it holds. */
async function everything(): Promise<Record<string, string | null>> {
  const names = (await redis.keys('*')).sort();
  const dumps = await Promise.all(
    names.map(async (name) => (await redis.dumpBuffer(name))?.toString('hex') ?? null),
  );
  return Object.fromEntries(names.map((name, i) => [name, dumps[i] ?? null]));
}

async function created(stages = graph()): Promise<string> {
  return (await held.queue.jobs.create(job({ stages }))).view.id;
}

async function begin(id: string, stage: string): Promise<Attempt> {
  const begun = await held.queue.attempts.begin(id, stage, 'w');
  if ('skip' in begun) throw new Error(begun.skip);
  return begun;
}

const line = { source: 'trainer', level: 'info', message: 'x' } as const;
const row = { epoch: 1, step: 1, time: '2026-01-01T00:00:00.000Z', values: { loss: 1 } };

test('two workers race for a stage: one attempt each, and the older one has no effect on any key', async () => {
  const { attempts } = held.queue;
  const id = await created();
  const both = await Promise.all([begin(id, 'teacher'), begin(id, 'teacher')]);
  const [old, owner] = both.sort((a, b) => a.attempt - b.attempt);
  expect([old.attempt, owner.attempt]).toEqual([1, 2]);

  const before = await everything();
  const refused = expect.objectContaining({ code: 'stale_attempt' });
  await expect(attempts.progress(old, progress)).rejects.toEqual(refused);
  await expect(attempts.metrics(old, [row])).rejects.toEqual(refused);
  await expect(attempts.warning(old, 'x')).rejects.toEqual(refused);
  await expect(attempts.skipped(old, { digest: 'd', count: 1, samples: [] })).rejects.toEqual(refused);
  await expect(attempts.checkpoint(old, { step: 1, bytes: 1 })).rejects.toEqual(refused);
  await expect(attempts.log(old, [line])).rejects.toEqual(refused);
  await expect(attempts.succeed(old, 'mine')).rejects.toEqual(refused);
  await expect(attempts.fail(old, { code: 'nan', message: 'x' })).rejects.toEqual(refused);
  await expect(attempts.fail(old, { code: 'nan', message: 'x' }, 5)).rejects.toEqual(refused);
  await expect(attempts.handBack(old)).rejects.toEqual(refused);
  expect(await everything()).toEqual(before);

  await attempts.progress(owner, progress);
  expect(await attempts.succeed(owner, 'ours')).toEqual(['outputs']);
  expect(await held.queue.jobs.result(id, 'teacher')).toBe('ours');
});

test('a success that is sent twice answers as the first time and changes nothing', async () => {
  const { attempts, jobs } = held.queue;
  const id = await created();
  const attempt = await begin(id, 'teacher');
  const ready = await attempts.succeed(attempt, 1);
  const before = await everything();
  expect(await attempts.succeed(attempt, 2)).toEqual(ready);
  expect(await everything()).toEqual(before);
  expect(await jobs.result(id, 'teacher')).toBe(1);
});

test('begin says why there is nothing to do', async () => {
  const { attempts } = held.queue;
  const id = await created();
  expect(await attempts.begin(id, 'outputs', 'w')).toEqual({ skip: 'stage_waiting' });
  expect(await attempts.begin(id, 'nothing', 'w')).toEqual({ skip: 'stage_unknown' });
  expect(await attempts.begin('job_none', 'teacher', 'w')).toEqual({ skip: 'job_unknown' });
  const attempt = await begin(id, 'teacher');
  await attempts.succeed(attempt, 1);
  expect(await attempts.begin(id, 'teacher', 'w')).toEqual({ skip: 'stage_succeeded' });
  const outputs = await begin(id, 'outputs');
  await attempts.fail(outputs, { code: 'data_error', message: 'x' });
  expect(await attempts.begin(id, 'outputs', 'w')).toEqual({ skip: 'job_failed' });
});

test('after a final failure the running siblings are refused', async () => {
  const { attempts, jobs } = held.queue;
  const id = await created(graph(['a', 'b']));
  await attempts.succeed(await begin(id, 'teacher'), 1);
  await attempts.succeed(await begin(id, 'outputs'), 1);
  const [a, b] = [await begin(id, 'student.a.42'), await begin(id, 'student.b.42')];
  await attempts.fail(a, { code: 'nan', message: 'diverged' });
  await expect(attempts.metrics(b, [row])).rejects.toMatchObject({ code: 'stale_attempt' });
  await expect(attempts.succeed(b, 1)).rejects.toMatchObject({ code: 'stale_attempt' });
  expect((await jobs.get(id)).view).toMatchObject({
    state: 'failed',
    reason: { code: 'nan', stage: 'student.a.42' },
  });
});

test('progress, phase, time left and version follow the reports of the attempts', async () => {
  const { attempts, jobs } = held.queue;
  const id = await created();
  const first = await jobs.get(id);
  expect(first.view).toMatchObject({ state: 'queued', progress: 0, phase: null, etaSeconds: null });
  expect(first.view.waitingFor).toBe('worker');
  const attempt = await begin(id, 'teacher');
  await attempts.progress(attempt, { ...progress, fraction: 0, loss: Number.NaN });
  await attempts.progress(attempt, progress);
  const { view, version } = await jobs.get(id);
  expect(version).toBe(first.version + 3);
  // The teacher is 60 of 100 units of work, half of it done.
  expect(view).toMatchObject({ state: 'running', progress: 30, phase: 'teacher', waitingFor: null });
  expect(view.etaSeconds, 'without a worker').toBeNull();
  expect(await jobs.get(id)).toEqual({ view, version });
});

test('metrics keep what is not finite as null, are paged and filtered by stage', async () => {
  const { attempts, metrics } = held.queue;
  const id = await created();
  expect(await metrics.read(id)).toEqual({ rows: [], after: null, more: false });
  const teacher = await begin(id, 'teacher');
  const rows = Array.from({ length: 5 }, (_, i) => ({
    ...row,
    step: i + 1,
    values: { loss: 1 / i, lr: 1e-3 },
  }));
  await attempts.metrics(teacher, rows);
  await attempts.succeed(teacher, 1);
  await attempts.metrics(await begin(id, 'outputs'), [row]);

  const page = await metrics.read(id, { stage: 'teacher', limit: 3 });
  expect(page.rows.map(({ step }) => step)).toEqual([1, 2, 3]);
  expect(page.rows[0]).toEqual({ ...row, stage: 'teacher', attempt: 1, values: { loss: null, lr: 1e-3 } });
  expect(page.more).toBe(true);
  const next = await metrics.read(id, { stage: 'teacher', after: page.after ?? '' });
  expect(next.rows.map(({ step }) => step)).toEqual([4, 5]);
  expect(next.more).toBe(false);
  expect((await metrics.read(id, { stage: 'teacher', after: next.after ?? '' })).rows).toEqual([]);
  expect(await metrics.read(id, { after: next.after ?? '' })).toMatchObject({ rows: [{ stage: 'outputs' }] });
  expect((await metrics.read(id, { stage: 'outputs' })).rows).toHaveLength(1);
});
