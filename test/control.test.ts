import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { JobSpecInput, JobState, JobView } from '@distillery/spec';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Service, startService } from './testing/service.ts';

// Control requests to a job that trains: the work of its trainers is kept, bit by bit.

let service: Service;
beforeAll(async () => {
  service = await startService();
}, 120_000);
afterAll(() => service?.close(), 120_000);

/** @param seed the teacher's seed; with a new one, no earlier job has trained the teacher */
const spec = (seed: number): JobSpecInput => ({
  dataset: { source: 'shapes', trainCount: 800, testCount: 100 },
  teacher: { architecture: { type: 'lightnn', dropout: 0.3 }, training: { seed } },
  students: [
    {
      name: 'soft',
      architecture: { type: 'lightnn' },
      method: [{ type: 'soft_target' }, { type: 'cross_entropy' }],
      training: { epochs: 1 },
    },
  ],
  baseline: false,
  training: { epochs: 16, batchSize: 40, augmentation: { type: 'flip' } },
});

async function until(id: string, holds: (job: JobView) => boolean): Promise<JobView> {
  for (const end = Date.now() + 120_000; Date.now() < end; await delay(25)) {
    const job = await service.client.jobs.get(id);
    if (holds(job)) return job;
  }
  throw new Error(
    `the job did not reach the state in time: ${JSON.stringify(await service.client.jobs.get(id))}`,
  );
}

const reaches = (id: string, state: JobState) => until(id, (job) => job.state === state);
/** Waits for the third epoch of the teacher. */
const inTheMiddle = (id: string) =>
  until(id, ({ stages: [{ progress }] }) => (progress?.epoch ?? 0) >= 2 && progress?.phase === 'training');

async function digestOf(id: string): Promise<string> {
  const bytes = await (await service.client.jobs.download(id, { checkpoint: 'last' })).bytes();
  return createHash('sha256').update(bytes).digest('hex');
}

test('paused and resumed, cancelled and retried, a job ends with the same bytes', {
  timeout: 400_000,
}, async () => {
  const { id } = await service.client.jobs.create(spec(7));
  await inTheMiddle(id);
  expect(['pausing', 'paused']).toContain((await service.client.jobs.pause(id)).state);
  const paused = await reaches(id, 'paused');
  expect(paused.stages[0]).toMatchObject({ state: 'queued', attempt: 1 });
  await service.client.jobs.resume(id);
  await until(id, ({ stages: [{ attempt, progress }] }) => attempt === 2 && progress?.phase === 'training');

  expect(['cancelling', 'cancelled']).toContain((await service.client.jobs.cancel(id)).state);
  const cancelled = await reaches(id, 'cancelled');
  // The trainer stops between steps; it does not finish the stage first.
  expect(cancelled.stages[0].state).toBe('cancelled');
  await service.client.jobs.retry(id);
  await reaches(id, 'succeeded');

  const { metrics } = await service.client.jobs.metrics(id, { stage: 'teacher', limit: 10000 }).page();
  const first = (attempt: number) => metrics.find((row) => row.attempt === attempt)?.step ?? 0;
  expect(first(2), 'it continued instead of starting again').toBeGreaterThan(1);
  expect(first(3)).toBeGreaterThan(first(2));

  // The same job without interruptions, in an empty store.
  const other = await startService();
  try {
    const { report } = await other.complete(spec(7));
    expect(await digestOf(id)).toBe(report.teachers[0].last.weights.digest);
  } finally {
    await other.close();
  }
});

test('a deleted job leaves no file behind', { timeout: 240_000 }, async () => {
  const { id } = await service.client.jobs.create(spec(8));
  await inTheMiddle(id);
  await service.client.jobs.cancel(id);
  await reaches(id, 'cancelled');
  const store = service.store;
  expect(await store.list(`jobs/${id}`)).not.toEqual([]);
  await service.client.jobs.delete(id);
  expect(await store.list(`jobs/${id}`)).toEqual([]);
  await expect(service.client.jobs.get(id)).rejects.toMatchObject({ code: 'job_not_found' });
});
