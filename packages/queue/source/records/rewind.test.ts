import { LostArtifacts } from '@distillery/spec';
import { expect, test } from 'vitest';
import type { StageRun } from '../index.ts';
import { graph, job, privateQueue, until } from '../testing/queue.ts';

// Artifacts of a stage get lost after it has succeeded: it runs again, before the stages that need it.

const held = privateQueue();

async function created(): Promise<string> {
  return (await held.queue.jobs.create(job({ stages: graph(['a', 'b']) }))).view.id;
}

async function begin(id: string, stage: string) {
  const begun = await held.queue.attempts.begin(id, stage, 'w');
  if ('skip' in begun) throw new Error(begun.skip);
  return begun;
}

const succeed = async (id: string, stage: string) =>
  held.queue.attempts.succeed(await begin(id, stage), `the result of ${stage}`);

const statesOf = async (id: string) =>
  Object.fromEntries((await held.queue.jobs.get(id)).view.stages.map((stage) => [stage.id, stage.state]));

const reason = { code: 'artifact_corrupt', message: 'gone' } as const;

test('a stage whose teacher has lost its outputs waits until they are stored again', async () => {
  const { attempts, jobs } = held.queue;
  const id = await created();
  await succeed(id, 'teacher');
  await succeed(id, 'outputs');
  const a = await begin(id, 'student.a.42');
  const b = await begin(id, 'student.b.42');
  expect(await attempts.fail(a, reason, 5, ['outputs'])).toBe(1);
  expect(await statesOf(id)).toEqual({
    teacher: 'succeeded',
    outputs: 'queued',
    'student.a.42': 'waiting',
    'student.b.42': 'running',
    report: 'waiting',
  });
  expect(await jobs.result(id, 'outputs')).toBeUndefined();
  // The reply was lost, and the request is sent again.
  expect(await attempts.fail(a, reason, 5, ['outputs'])).toBe(1);
  expect(await attempts.begin(id, 'student.a.42', 'w')).toEqual({ skip: 'stage_waiting' });
  // The other student has opened its files before; it goes on.
  await attempts.succeed(b, 1);
  expect(await succeed(id, 'outputs')).toEqual(['student.a.42']);
  await succeed(id, 'student.a.42');
  await succeed(id, 'report');
  expect((await jobs.get(id)).view.state).toBe('succeeded');
});

test('an older attempt rewinds nothing, and a loss that repeats without end fails the job', async () => {
  const { attempts, jobs } = held.queue;
  const id = await created();
  await succeed(id, 'teacher');
  const old = await begin(id, 'outputs');
  const current = await begin(id, 'outputs');
  await expect(attempts.fail(old, reason, 5, ['teacher'])).rejects.toMatchObject({ code: 'stale_attempt' });
  expect(await statesOf(id)).toMatchObject({ teacher: 'succeeded', outputs: 'running' });
  // The loss of the worker of `old` was the first failure.
  for (let failures = 2, outputs = current; failures < 5; failures++) {
    expect(await attempts.fail(outputs, reason, 5, ['teacher'])).toBe(failures);
    await succeed(id, 'teacher');
    outputs = await begin(id, 'outputs');
  }
  const { attempt } = (await jobs.get(id)).view.stages[1];
  const last = { jobId: id, stageId: 'outputs', attempt };
  expect(await attempts.fail(last, reason, 5, ['teacher'])).toBe(0);
  expect((await jobs.get(id)).view).toMatchObject({ state: 'failed', reason });
});

test('a job that is being cancelled rewinds nothing', async () => {
  const { attempts, control } = held.queue;
  const id = await created();
  await succeed(id, 'teacher');
  const outputs = await begin(id, 'outputs');
  await control.cancel(id);
  await attempts.fail(outputs, reason, 5, ['teacher']);
  expect(await statesOf(id)).toMatchObject({ teacher: 'succeeded', outputs: 'cancelled' });
});

test('retry of a succeeded job runs what was lost again, and its report; without a loss it is refused', async () => {
  const { control, jobs } = held.queue;
  const id = await created();
  for (const { id: stage } of graph(['a', 'b'])) await succeed(id, stage);
  await expect(control.retry(id)).rejects.toMatchObject({ code: 'state_conflict' });
  const view = await control.retry(id, undefined, ['student.a.42']);
  expect(view).toMatchObject({ state: 'queued', finishedAt: null });
  expect(await statesOf(id)).toMatchObject({
    outputs: 'succeeded',
    'student.a.42': 'queued',
    'student.b.42': 'succeeded',
    report: 'waiting',
  });
  expect(await succeed(id, 'student.a.42')).toEqual(['report']);
  await succeed(id, 'report');
  expect((await jobs.get(id)).view.state).toBe('succeeded');
});

test('a worker whose stage reports the loss runs the lost stage and then that stage again', async () => {
  const ran: string[] = [];
  const handler = async ({ stageId }: StageRun) => {
    ran.push(stageId);
    if (stageId === 'student.a.42' && ran.filter((one) => one === stageId).length === 1) {
      throw new LostArtifacts(['teacher', 'outputs'], 'gone');
    }
    return 1;
  };
  const consumer = await held.queue.stages.consume(handler, { worker: 'w' });
  try {
    const { view } = await held.queue.jobs.create(job({ stages: graph(['a']) }));
    await held.queue.stages.offer();
    await until(
      async () => (await held.queue.jobs.get(view.id)).view.state,
      (state) => state === 'succeeded',
    );
    const again = ['teacher', 'outputs', 'student.a.42'];
    expect(ran).toEqual([...again, ...again, 'report']);
  } finally {
    await consumer.close();
  }
});
