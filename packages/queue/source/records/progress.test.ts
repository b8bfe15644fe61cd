import { expect, test } from 'vitest';
import { openQueue } from '../index.ts';
import { engine, graph, job, privateQueue, progress, until } from '../testing/queue.ts';

const held = privateQueue();

async function begin(id: string, stage: string) {
  const begun = await held.queue.attempts.begin(id, stage, 'w');
  if ('skip' in begun) throw new Error(begun.skip);
  return begun;
}

/** The current view, read without what an earlier reading has kept of the service. */
async function fresh(id: string) {
  const queue = await openQueue({ url: held.redis.url });
  try {
    return (await queue.jobs.get(id)).view;
  } finally {
    await queue.close();
  }
}

test('the time left follows the measured rate and counts the fixed costs of what is to come', async () => {
  const { attempts, control, jobs, workers } = held.queue;
  const { id } = (await jobs.create(job())).view;
  const attempt = await begin(id, 'teacher');
  const started = performance.now();
  await attempts.progress(attempt, { ...progress, fraction: 0 });
  await new Promise((resolve) => setTimeout(resolve, 120));
  await attempts.progress(attempt, progress);
  const elapsed = performance.now() - started;
  expect((await fresh(id)).etaSeconds, 'without a worker').toBeNull();
  const worker = await workers.register({ id: 'w', host: 'h', version: '0', engine });
  const { etaSeconds } = await fresh(id);
  // The end of the teacher, then four stages that each start and end.
  const fixed = 0.5 + 4 * 2.5;
  // 30 of 100 units took between the 120 ms of the pause and all that passed here. Rounded to tenths of a second.
  expect(etaSeconds).toBeGreaterThan(fixed + 0.2);
  expect(etaSeconds).toBeLessThanOrEqual(fixed + ((elapsed + 2) * 70) / 30 / 1000 + 0.05);
  await worker.stop();
  await control.cancel(id);
});

test('progress does not run backwards when a stage is handed back or its worker is lost', async () => {
  const { attempts, control, events, jobs } = held.queue;
  const { id } = (await jobs.create(job({ stages: graph(['a']) }))).view;
  const seen: number[] = [];
  const look = async () => {
    const { view } = await jobs.get(id);
    seen.push(view.progress);
    return view;
  };
  const first = await begin(id, 'teacher');
  await attempts.progress(first, { ...progress, fraction: 0.5 });
  await look();
  await control.pause(id);
  await attempts.handBack(first);
  expect((await look()).stages[0].progress).toBeNull();
  await control.resume(id);
  const loading = { ...progress, phase: 'loading', fraction: 0 };
  const second = await begin(id, 'teacher');
  await attempts.progress(second, loading);
  expect((await look()).stages[0].progress).toMatchObject({ phase: 'loading', fraction: 0.5 });
  await attempts.progress(second, { ...progress, fraction: 0.75 });
  await look();
  const third = await begin(id, 'teacher');
  await look();
  await attempts.progress(third, { ...progress, fraction: 0.6 });
  await look();
  await attempts.succeed(third, 1);
  await look();
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  // The teacher is 60 of 90 units of work.
  expect([seen[0], seen.at(-2), seen.at(-1)]).toEqual([33.33, 50, 66.67]);
  const told = (await events.read(id)).filter((event) => event.type === 'progress');
  expect(told.map((event) => event.progress.fraction)).toEqual([0.75]);
  await control.cancel(id);
});

test('a job whose report is still to run is not at 100 percent', async () => {
  const { attempts, jobs } = held.queue;
  const { id } = (await jobs.create(job({ stages: graph(['a']) }))).view;
  for (const stage of ['teacher', 'outputs', 'student.a.42']) {
    await attempts.succeed(await begin(id, stage), 1);
  }
  expect((await jobs.get(id)).view).toMatchObject({ state: 'running', progress: 99.99 });
  await attempts.succeed(await begin(id, 'report'), 1);
  expect((await jobs.get(id)).view).toMatchObject({ state: 'succeeded', progress: 100 });
});

test('a job tells what it waits for, and a stage is left to a worker that is capable of it', async () => {
  const { jobs, stages, workers } = held.queue;
  const [first, second, ...rest] = graph(['a']);
  const required = [{ ...first, requires: ['bfloat16'] }, second, ...rest];
  const { view } = await jobs.create(job({ stages: required }));
  expect(view).toMatchObject({ waitingFor: 'worker', etaSeconds: null });
  const without = { ...engine, bfloat16: 'no such instructions' };
  const plain = await workers.register({ id: 'plain', host: 'h', version: '0', engine: without });
  expect(await fresh(view.id)).toMatchObject({ waitingFor: 'capability' });
  const capable = await workers.register({ id: 'capable', host: 'h', version: '0', engine });
  const queued = await fresh(view.id);
  expect(queued.waitingFor).toBe('turn');
  expect(queued.stages.map(({ waitingFor }) => waitingFor)).toEqual(['turn', 'stages', 'stages', 'stages']);

  const ran: string[] = [];
  const consume = (worker: string, capabilities: string[]) =>
    stages.consume(async ({ stageId }) => void ran.push(`${worker} ${stageId}`), { worker, capabilities });
  const consumers = [await consume('plain', [])];
  const other = await jobs.create(job({ stages: [{ ...second, id: 'free', needs: [] }] }));
  await stages.offer();
  await until(
    async () => (await jobs.get(other.view.id)).view.state,
    (state) => state === 'succeeded',
  );
  expect(ran).toEqual(['plain free']);
  consumers.push(await consume('capable', ['bfloat16']));
  await until(
    async () => ran.length,
    (length) => length > 1,
  );
  await Promise.all(consumers.map((consumer) => consumer.close()));
  await Promise.all([plain.stop(), capable.stop()]);
  expect(ran[1]).toBe('capable teacher');
});

test('what stages take is measured for the next ones', async () => {
  const { attempts, jobs } = held.queue;
  const stages = [{ ...graph()[0], kind: 'measured' }];
  const { id } = (await jobs.create(job({ stages }))).view;
  const attempt = await begin(id, 'teacher');
  await attempts.progress(attempt, { ...progress, phase: 'loading', fraction: 0 });
  await new Promise((resolve) => setTimeout(resolve, 60));
  await attempts.progress(attempt, { ...progress, fraction: 0.25 });
  await new Promise((resolve) => setTimeout(resolve, 60));
  await attempts.progress(attempt, { ...progress, fraction: 0.75 });
  await attempts.succeed(attempt, 1);
  const other = await openQueue({ url: held.redis.url });
  const { before, after, perWork } = (await other.standing()).paces.kinds.measured;
  await other.close();
  expect(before).toBeGreaterThan(0.05);
  expect(after).toBeGreaterThanOrEqual(0);
  // Half of 60 units took at least 60 ms; whole milliseconds are counted.
  expect(perWork).toBeGreaterThan(0.058 / 30);
});
