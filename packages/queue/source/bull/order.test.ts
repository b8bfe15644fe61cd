import { DistilleryError, type StagePlan } from '@distillery/spec';
import { expect, test } from 'vitest';
import type { Owner, StageRun } from '../index.ts';
import { graph, job, privateQueue, until } from '../testing/queue.ts';

const held = privateQueue();

const chain: StagePlan[] = ['one', 'two'].map((id) => ({
  id,
  kind: 'teacher',
  needs: [],
  work: 1,
  input: {},
}));
const names = new Map<string, string>();

async function submit(
  name: string,
  { priority = 0, owner, stages = chain }: { priority?: number; owner?: string; stages?: StagePlan[] } = {},
): Promise<string> {
  const by: Owner | undefined = owner === undefined ? undefined : { name: owner, jobs: 1000 };
  const { view } = await held.queue.jobs.create(job({ priority, owner: by, stages }));
  expect(view.priority).toBe(priority);
  names.set(view.id, name);
  return view.id;
}

/** Runs one worker until the jobs have succeeded. Returns `<job> <stage>` of each stage in the order in which they began. */
async function ordered(ids: string[], handler: (run: StageRun) => Promise<unknown> = async () => 1) {
  const order: string[] = [];
  const consumer = await held.queue.stages.consume(
    async (run) => {
      order.push(`${names.get(run.jobId)} ${run.stageId}`);
      return handler(run);
    },
    { worker: 'w' },
  );
  try {
    for (const id of ids) {
      await until(
        async () => (await held.queue.jobs.get(id)).view.state,
        (state) => state === 'succeeded',
      );
    }
  } finally {
    await consumer.close();
  }
  return order;
}

const both = (name: string) => [`${name} one`, `${name} two`];

test('stages of a higher priority are taken first, of an equal one in the order of their jobs', async () => {
  const ids = [
    await submit('low', { priority: -10 }),
    await submit('first'),
    await submit('second'),
    await submit('high', { priority: 10 }),
  ];
  expect(await ordered(ids)).toEqual(['high', 'first', 'second', 'low'].flatMap(both));
});

test('equal jobs end one after the other: what is begun is finished first', async () => {
  const ids = [];
  for (let i = 0; i < 4; i++) ids.push(await submit(`${i}`, { stages: graph(['a']) }));
  const stages = ['teacher', 'outputs', 'student.a.42', 'report'];
  expect(await ordered(ids)).toEqual(
    ['0', '1', '2', '3'].flatMap((name) => stages.map((id) => `${name} ${id}`)),
  );
});

test('a job that has begun goes before an older one that has not, and a retried one waits its turn', async () => {
  const older = await submit('older');
  const begun = await submit('begun');
  await held.queue.control.cancel(older);
  const attempt = await held.queue.attempts.begin(begun, 'one', 'w');
  if ('skip' in attempt) throw new Error(attempt.skip);
  await held.queue.attempts.succeed(attempt, 1);
  await held.queue.control.retry(older);
  expect(await ordered([older, begun])).toEqual(['begun two', 'older one', 'older two']);
});

test('owners share the workers in turn, however many jobs one of them has submitted before', async () => {
  const ids = [];
  for (let i = 0; i < 10; i++) ids.push(await submit(`${i}`, { owner: 'many' }));
  ids.push(await submit('one', { owner: 'few' }), await submit('own', { owner: 'other' }));
  const order = await ordered(ids);
  // The owners that were never served come first, in the order of their names.
  expect(order.slice(0, 7)).toEqual(['one one', '0 one', 'own one', 'one two', '0 two', 'own two', '1 one']);
  expect(order.slice(7)).toEqual(['1 two', ...['2', '3', '4', '5', '6', '7', '8', '9'].flatMap(both)]);
});

test('a stage goes to the owner of whom the fewest stages run', async () => {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const order: string[] = [];
  const consume = () =>
    held.queue.stages.consume(
      async (run) => {
        order.push(`${names.get(run.jobId)} ${run.stageId}`);
        await released;
      },
      { worker: 'w' },
    );
  const begun = (count: number) =>
    until(
      async () => order.length,
      (length) => length === count,
    );
  await submit('many', { owner: 'busy', stages: [...chain, { ...chain[0], id: 'three' }] });
  // One worker after the other: two that begin at once may begin in either order.
  const consumers: Awaited<ReturnType<typeof consume>>[] = [];
  for (const count of [1, 2, 3, 4]) {
    if (count === 3) await submit('few', { owner: 'idle' });
    consumers.push(await consume());
    await begun(count);
  }
  release();
  await begun(5);
  await Promise.all(consumers.map((consumer) => consumer.close({ finish: true })));
  expect(order).toEqual(['many one', 'many two', 'few one', 'few two', 'many three']);
});

test('a stage that is to be tried again later holds up no other', async () => {
  const ids = [await submit('failing'), await submit('next')];
  let failed = false;
  const order = await ordered(ids, async () => {
    if (failed) return 1;
    failed = true;
    throw new DistilleryError('trainer_crashed', 'signal 9');
  });
  expect(order).toEqual(['failing one', 'failing two', 'next one', 'next two', 'failing one']);
});
