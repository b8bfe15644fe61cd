import { setTimeout as rest } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { StageRun } from '../index.ts';
import { graph, job, privateQueue, until } from '../testing/queue.ts';

const held = privateQueue();

async function submit(): Promise<string> {
  const { view } = await held.queue.jobs.create(job({ stages: graph(['a']), labels: { team: 'blue' } }));
  await held.queue.stages.offer();
  return view.id;
}

const viewOf = async (id: string) => (await held.queue.jobs.get(id)).view;
const reaches = (id: string, state: string) =>
  until(
    () => viewOf(id),
    (view) => view.state === state,
  );
const conflict = (message: string) => expect.objectContaining({ code: 'state_conflict', message });

/** A trainer that works until it is asked to stop, and takes a moment to do so. */
const untilAsked = async ({ signal }: StageRun) => {
  while (!signal.aborted) await rest(10);
  await rest(100);
  throw signal.reason;
};

async function consuming(handler: (run: StageRun) => Promise<unknown>, during: () => Promise<void>) {
  const consumer = await held.queue.stages.consume(handler, { worker: 'w', controlInterval: 50 });
  try {
    await during();
  } finally {
    await consumer.close();
  }
}

test('a job without a running stage is cancelled at once, and stays cancelled', async () => {
  const id = await submit();
  const view = await held.queue.control.cancel(id);
  expect(view).toMatchObject({ state: 'cancelled', finishedAt: expect.any(String) });
  expect(new Set(view.stages.map(({ state }) => state))).toEqual(new Set(['cancelled']));
  expect(await held.queue.control.cancel(id)).toEqual(view);
  await expect(held.queue.control.pause(id)).rejects.toEqual(
    conflict('the job is cancelled, it cannot be paused'),
  );
  await expect(held.queue.control.cancel('job_x')).rejects.toMatchObject({ code: 'job_not_found' });
});

test('a running job is cancelling until its worker has stopped', async () => {
  const states: string[] = [];
  let id = '';
  const handler = async (run: StageRun) => {
    try {
      await untilAsked(run);
    } finally {
      states.push((await viewOf(id)).state);
    }
  };
  await consuming(handler, async () => {
    id = await submit();
    await reaches(id, 'running');
    const asked = await held.queue.control.cancel(id);
    expect(asked.state).toBe('cancelling');
    expect(await held.queue.control.cancel(id)).toMatchObject({ state: 'cancelling' });
    await expect(held.queue.control.resume(id)).rejects.toEqual(
      conflict('the job is cancelling, it cannot be resumed'),
    );
    const view = await reaches(id, 'cancelled');
    expect(view.stages.map(({ state }) => state)).toEqual(Array(4).fill('cancelled'));
    expect(states).toEqual(['cancelling']);
    const events = await held.queue.events.read(id);
    const ends = events.filter((event) => event.type === 'job' && event.state === 'cancelled');
    expect(ends).toHaveLength(1);
  });
});

test('a pause hands stages back, and a resumption takes them up again', async () => {
  let paused = false;
  const attempts: number[] = [];
  const handler = async (run: StageRun) => {
    attempts.push(run.attempt);
    if (!paused) return untilAsked(run);
    return run.stageId;
  };
  await consuming(handler, async () => {
    const id = await submit();
    await reaches(id, 'running');
    expect(await held.queue.control.pause(id)).toMatchObject({ state: 'pausing' });
    const view = await reaches(id, 'paused');
    paused = true;
    expect(view.stages[0]).toMatchObject({ state: 'queued', attempt: 1 });
    // No worker takes it.
    await held.queue.stages.offer();
    await rest(300);
    expect((await viewOf(id)).stages[0]).toMatchObject({ state: 'queued', attempt: 1 });
    expect(await held.queue.control.pause(id)).toMatchObject({ state: 'paused' });
    expect(await held.queue.control.resume(id)).toMatchObject({ state: 'running' });
    expect((await reaches(id, 'succeeded')).progress).toBe(100);
    expect(attempts).toEqual([1, 2, 1, 1, 1]);
  });
});

test('a resumption that overtakes the pause loses nothing', async () => {
  let asked = 0;
  await consuming(
    async (run) => {
      if (asked++ === 0) return untilAsked(run);
      return run.stageId;
    },
    async () => {
      const id = await submit();
      await reaches(id, 'running');
      await held.queue.control.pause(id);
      expect(await held.queue.control.resume(id)).toMatchObject({ state: 'running' });
      // The worker had seen the pause, or not: in both cases the job goes on and ends.
      if (asked === 1) await held.queue.control.pause(id);
      await until(
        () => viewOf(id),
        ({ state }) => state === 'paused' || state === 'succeeded',
      );
      await held.queue.control.resume(id).catch(() => undefined);
      await reaches(id, 'succeeded');
    },
  );
});

test('a retry takes up what failed and leaves what succeeded', async () => {
  let healthy = false;
  const done: string[] = [];
  const handler = async ({ stageId }: StageRun) => {
    if (stageId === 'outputs' && !healthy) throw new Error('broken');
    done.push(stageId);
    return stageId;
  };
  await consuming(handler, async () => {
    const id = await submit();
    // An unexpected error is retried by the service; the test does not wait for that.
    await until(
      () => viewOf(id),
      ({ stages }) => stages[1].reason !== null,
    );
    await held.queue.control.cancel(id);
    const cancelled = await reaches(id, 'cancelled');
    expect(cancelled.stages.map(({ state }) => state)).toEqual([
      'succeeded',
      'cancelled',
      'cancelled',
      'cancelled',
    ]);
    healthy = true;
    expect(await held.queue.control.retry(id)).toMatchObject({
      state: expect.stringMatching(/^(queued|running)$/),
      finishedAt: null,
    });
    await reaches(id, 'succeeded');
    expect(done).toEqual(['teacher', 'outputs', 'student.a.42', 'report']);
    await expect(held.queue.control.retry(id)).rejects.toEqual(
      conflict('the job is succeeded, it cannot be retried'),
    );
  });
});

test('a job whose worker is lost while it is cancelled ends all the same', async () => {
  const id = await submit();
  const lost = await held.queue.attempts.begin(id, 'teacher', 'lost');
  if ('skip' in lost) throw new Error(lost.skip);
  expect(await held.queue.control.cancel(id)).toMatchObject({ state: 'cancelling' });
  // As BullMQ gives a stage whose worker is silent to the next one.
  expect(await held.queue.attempts.begin(id, 'teacher', 'next')).toEqual({ skip: 'job_cancelling' });
  expect((await viewOf(id)).state).toBe('cancelled');
  await expect(held.queue.attempts.succeed(lost, {})).rejects.toMatchObject({ code: 'stale_attempt' });
});

test('only a job that has ended can be deleted, and nothing of it is left', async () => {
  const id = await submit();
  await expect(held.queue.control.remove(id)).rejects.toEqual(
    conflict('the job is queued, it cannot be deleted'),
  );
  await held.queue.control.cancel(id);
  await held.queue.control.remove(id);
  await expect(held.queue.jobs.get(id)).rejects.toMatchObject({ code: 'job_not_found' });
  await expect(held.queue.jobs.spec(id)).rejects.toMatchObject({ code: 'job_not_found' });
  for (const query of [{}, { state: 'cancelled' as const }, { labels: { team: 'blue' } }]) {
    const { jobs } = await held.queue.jobs.list({ ...query, limit: 100 });
    expect(jobs.map((one) => one.id)).not.toContain(id);
  }
  await expect(held.queue.control.remove(id)).rejects.toMatchObject({ code: 'job_not_found' });
});
