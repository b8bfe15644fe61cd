import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { graph, job, privateQueue, until } from '../testing/queue.ts';

const held = privateQueue();

/** A worker process that takes a stage, prints that it did, and never ends it. */
async function hangingWorker(): Promise<ChildProcess> {
  const source = `
    import { openQueue } from ${JSON.stringify(new URL('../index.ts', import.meta.url).href)};
    const queue = await openQueue({ url: process.env.REDIS_URL, onOutage: 'wait' });
    await queue.stages.consume(() => { console.log('taken'); return new Promise(() => {}); },
      { worker: 'lost', lockDuration: 1000 });
  `;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, REDIS_URL: held.redis.url },
  });
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  return child;
}

/** A worker process that writes a row again and again until it is refused, and then prints why. */
async function writingWorker(): Promise<ChildProcess> {
  const source = `
    import { setTimeout as rest } from 'node:timers/promises';
    import { openQueue } from ${JSON.stringify(new URL('../index.ts', import.meta.url).href)};
    const queue = await openQueue({ url: process.env.REDIS_URL, onOutage: 'wait' });
    await queue.stages.consume(
      async (run) => {
        for (let step = 1; ; step++) {
          const time = new Date().toISOString();
          await run.metrics([{ epoch: 1, step, time, values: { loss: step } }]).catch((error) => {
            console.log('refused', error.code);
            throw error;
          });
          if (step === 1) console.log('taken');
          await rest(10);
        }
      },
      { worker: 'frozen', lockDuration: 1000 },
    );
  `;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, REDIS_URL: held.redis.url },
  });
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  return child;
}

test('nothing lands of a worker that was frozen past its lock', { timeout: 120_000 }, async () => {
  const { view } = await held.queue.jobs.create(job({ stages: graph(['a']) }));
  await held.queue.stages.offer();
  const frozen = await writingWorker();
  frozen.kill('SIGSTOP');
  const consumer = await held.queue.stages.consume(async ({ stageId }) => ({ by: 'next', stageId }), {
    worker: 'next',
    lockDuration: 1000,
  });
  try {
    const end = await until(
      async () => (await held.queue.jobs.get(view.id)).view,
      ({ finishedAt }) => finishedAt !== null,
    );
    expect(end.state).toBe('succeeded');
    const before = await held.queue.metrics.read(view.id, { stage: 'teacher' });
    const events = await held.queue.events.read(view.id);
    const printed = once(frozen.stdout as NodeJS.ReadableStream, 'data');
    frozen.kill('SIGCONT');
    expect(String(await printed)).toContain('refused stale_attempt');
    expect(await held.queue.metrics.read(view.id, { stage: 'teacher' })).toEqual(before);
    expect(await held.queue.events.read(view.id)).toEqual(events);
    expect(await held.queue.jobs.result(view.id, 'teacher')).toEqual({ by: 'next', stageId: 'teacher' });
    expect((await held.queue.jobs.get(view.id)).view).toEqual(end);
  } finally {
    await consumer.close();
    frozen.kill('SIGKILL');
  }
});

async function killed(tries: number) {
  const { view } = await held.queue.jobs.create(job({ stages: graph(['a']) }));
  await held.queue.stages.offer();
  const lost = await hangingWorker();
  lost.kill('SIGKILL');
  await once(lost, 'exit');
  const consumer = await held.queue.stages.consume(async () => 1, {
    worker: 'next',
    lockDuration: 1000,
    tries,
  });
  const end = await until(
    async () => (await held.queue.jobs.get(view.id)).view,
    ({ finishedAt }) => finishedAt !== null,
  );
  await consumer.close();
  return end;
}

test('the stage of a killed worker is taken over once its lock has run out', async () => {
  const end = await killed(2);
  expect(end.state).toBe('succeeded');
  expect(end.stages[0]).toMatchObject({ worker: 'next', attempt: 2 });
});

test('a stage whose workers vanish too often fails its job', async () => {
  const end = await killed(1);
  expect(end).toMatchObject({ state: 'failed', reason: { code: 'trainer_crashed', stage: 'teacher' } });
});
