import { DistilleryError } from '@distillery/spec';
import { expect, test, vi } from 'vitest';
import type { StageRun } from '../index.ts';
import { graph, job, privateQueue, progress, until } from '../testing/queue.ts';

const held = privateQueue();

const rest = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function submit(stages = graph()): Promise<string> {
  const { view } = await held.queue.jobs.create(job({ stages }));
  await held.queue.stages.offer();
  return view.id;
}

const jobEnds = (id: string) =>
  until(
    async () => (await held.queue.jobs.get(id)).view,
    ({ finishedAt }) => finishedAt !== null,
  );

/** Consumers of the stages of one test, closed at its end. */
async function consuming(
  workers: string[],
  handler: (run: StageRun) => Promise<unknown>,
  during: () => Promise<void>,
) {
  const consumers = await Promise.all(
    workers.map((worker) => held.queue.stages.consume(handler, { worker, lockDuration: 1000 })),
  );
  try {
    await during();
  } finally {
    await Promise.all(consumers.map((consumer) => consumer.close()));
  }
}

test('a graph runs in the order of its needs, students side by side on two consumers', async () => {
  const order: string[] = [];
  let now = 0;
  let most = 0;
  const handler = async ({ stageId }: StageRun) => {
    order.push(stageId);
    most = Math.max(most, ++now);
    await rest(100);
    now--;
    return { of: stageId };
  };
  await consuming(['one', 'two'], handler, async () => {
    const id = await submit();
    const view = await jobEnds(id);
    expect(view).toMatchObject({ state: 'succeeded', progress: 100, phase: null });
    expect(order.slice(0, 2)).toEqual(['teacher', 'outputs']);
    expect(order.slice(2, 4).sort()).toEqual(['student.a.42', 'student.b.42']);
    expect(order.slice(4)).toEqual(['report']);
    expect(most).toBe(2);
    const students = view.stages.filter(({ kind }) => kind === 'student');
    expect(new Set(students.map(({ worker }) => worker))).toEqual(new Set(['one', 'two']));
    expect(await held.queue.jobs.result(id, 'outputs')).toEqual({ of: 'outputs' });
  });
});

test('a stage that is enqueued many times is done once', async () => {
  const handler = vi.fn(async () => rest(50));
  await consuming(['one', 'two'], handler, async () => {
    const id = await submit(graph(['a']));
    await Promise.all(Array.from({ length: 10 }, () => held.queue.stages.offer()));
    await held.queue.stages.reconcile();
    await jobEnds(id);
    expect(handler).toHaveBeenCalledTimes(4);
  });
});

test('a job whose stages never reached BullMQ is found by reconcile, when a consumer starts', async () => {
  const { view } = await held.queue.jobs.create(job());
  await consuming(
    ['one'],
    async () => 1,
    async () => {
      expect(await jobEnds(view.id)).toMatchObject({ state: 'succeeded' });
    },
  );
});

test('a crash between success and the enqueueing of the next stage is repaired when the stage is taken up again', async () => {
  const id = await submit();
  const begun = await held.queue.attempts.begin(id, 'teacher', 'lost');
  if ('skip' in begun) throw new Error(begun.skip);
  expect(await held.queue.attempts.succeed(begun, {})).toEqual(['outputs']);
  await consuming(
    ['one'],
    async () => 1,
    async () => {
      const view = await jobEnds(id);
      expect(view.state).toBe('succeeded');
      expect(view.stages[0]).toMatchObject({ worker: 'lost', attempt: 1 });
    },
  );
});

test('a retryable failure is tried again, as attempt 2, and leaves an event', async () => {
  const handler = async (run: StageRun) => {
    if (run.stageId === 'teacher' && run.attempt === 1)
      throw new DistilleryError('trainer_crashed', 'signal 9');
    return 1;
  };
  await consuming(['one'], handler, async () => {
    const id = await submit();
    const view = await jobEnds(id);
    expect(view).toMatchObject({ state: 'succeeded', reason: null });
    expect(view.stages[0]).toMatchObject({ attempt: 2, state: 'succeeded', reason: null });
    expect(await held.queue.events.read(id)).toContainEqual(
      expect.objectContaining({
        type: 'stage',
        stage: 'teacher',
        state: 'queued',
        attempt: 1,
        reason: { code: 'trainer_crashed', message: 'signal 9', stage: 'teacher' },
      }),
    );
  });
});

test('a stage that fails again and again without getting further fails its job; one that gets further does not', async () => {
  const { attempts, jobs } = held.queue;
  const id = await submit();
  const crashed = { code: 'trainer_crashed', message: 'signal 9' };
  const failAt = async (fraction: number) => {
    const begun = await attempts.begin(id, 'teacher', 'w');
    if ('skip' in begun) throw new Error(begun.skip);
    await attempts.progress(begun, { ...progress, fraction });
    return attempts.fail(begun, crashed, 3);
  };
  expect(await failAt(0.1)).toBe(1);
  expect(await failAt(0.1)).toBe(2);
  expect(await failAt(0.2), 'it got further').toBe(1);
  expect(await failAt(0.1)).toBe(2);
  expect(await failAt(0.2)).toBe(0);
  expect((await jobs.get(id)).view).toMatchObject({ state: 'failed', reason: crashed });
});

test('a failure that is not retryable fails the job with its reason and cancels the rest', async () => {
  const stopped = vi.fn();
  let siblingRuns = false;
  const handler = async (run: StageRun) => {
    if (run.stageId === 'student.a.42') {
      await vi.waitUntil(() => siblingRuns, { timeout: 5000 });
      throw new DistilleryError('nan', 'the loss was NaN in epoch 2');
    }
    if (run.stageId !== 'student.b.42') return 1;
    siblingRuns = true;
    run.signal.addEventListener('abort', stopped);
    for (;;) {
      await rest(20);
      await run.warning('still here');
    }
  };
  await consuming(['one', 'two'], handler, async () => {
    const id = await submit();
    const view = await jobEnds(id);
    const reason = { code: 'nan', message: 'the loss was NaN in epoch 2', stage: 'student.a.42' };
    expect(view).toMatchObject({ state: 'failed', reason, phase: null });
    expect(view.stages.map(({ state }) => state)).toEqual([
      'succeeded',
      'succeeded',
      'failed',
      'cancelled',
      'cancelled',
    ]);
    await vi.waitFor(() => expect(stopped).toHaveBeenCalled());
    expect((await held.queue.jobs.list({ state: 'failed' })).jobs.map((job) => job.id)).toContain(id);
  });
});

test('a stage whose worker fell silent is taken over, and the old worker finds itself refused', async () => {
  const { queue } = held;
  const id = await submit(graph(['a']));
  const begun = await queue.attempts.begin(id, 'teacher', 'silent');
  if ('skip' in begun) throw new Error(begun.skip);
  await consuming(
    ['one'],
    async () => 1,
    async () => {
      const view = await jobEnds(id);
      expect(view.stages[0]).toMatchObject({ attempt: 2, worker: 'one' });
      await expect(queue.attempts.succeed(begun, 'mine')).rejects.toMatchObject({ code: 'stale_attempt' });
      expect(await queue.jobs.result(id, 'teacher')).toBe(1);
    },
  );
});

test('a consumer that closes hands its stage back, which is no failure; with finish it ends it', async () => {
  const { queue } = held;
  const taken = vi.fn();
  const handler = async (run: StageRun) => {
    taken(run.attempt);
    await new Promise((_, reject) => {
      run.signal.addEventListener('abort', () => reject(new Error('stopped')));
    });
  };
  const first = await queue.stages.consume(handler, { worker: 'one' });
  const id = await submit(graph(['a']));
  await vi.waitFor(() => expect(taken).toHaveBeenCalledTimes(1));
  await first.close();
  const { view } = await queue.jobs.get(id);
  expect(view.stages[0]).toMatchObject({ state: 'queued', attempt: 1, reason: null });

  const second = await queue.stages.consume(
    async (run) => {
      taken(run.attempt);
      await rest(200);
      if (run.signal.aborted) throw new Error('was asked to stop');
      return 1;
    },
    { worker: 'two' },
  );
  await vi.waitFor(() => expect(taken).toHaveBeenCalledTimes(2));
  expect(taken.mock.calls).toEqual([[1], [2]]);
  await second.close({ finish: true });
  expect((await queue.jobs.get(id)).view.stages[0]).toMatchObject({ state: 'succeeded', attempt: 2 });
});
