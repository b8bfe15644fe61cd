import { jobViewSchema, maxWarnings } from '@distillery/spec';
import { expect, test } from 'vitest';
import type { Attempt } from '../index.ts';
import { graph, job, privateQueue } from '../testing/queue.ts';

const held = privateQueue();

async function created(): Promise<string> {
  return (await held.queue.jobs.create(job({ stages: graph(['a']) }))).view.id;
}

async function begin(id: string, stage: string): Promise<Attempt> {
  const begun = await held.queue.attempts.begin(id, stage, 'w');
  if ('skip' in begun) throw new Error(begun.skip);
  return begun;
}

const viewOf = async (id: string) => jobViewSchema.parse((await held.queue.jobs.get(id)).view);

test('the view counts equal warnings of a stage, in the order of their first appearance', async () => {
  const { attempts, jobs } = held.queue;
  const id = await created();
  expect(await viewOf(id)).toMatchObject({ warnings: [], skippedData: [] });
  const teacher = await begin(id, 'teacher');
  await attempts.warning(teacher, 'slow  disk\n\nof 1 2 3');
  await attempts.warning(teacher, 'other');
  const before = await jobs.get(id);
  const again = await begin(id, 'teacher');
  await attempts.warning(again, 'slow  disk\n\nof 1 2 3');
  await attempts.succeed(again, 1);
  await attempts.warning(await begin(id, 'outputs'), 'other');

  const { warnings } = await viewOf(id);
  const time = expect.stringMatching(/^20.*Z$/);
  expect(warnings).toEqual([
    { stage: 'teacher', attempt: 2, message: 'slow  disk\n\nof 1 2 3', count: 2, time },
    { stage: 'teacher', attempt: 1, message: 'other', count: 1, time },
    { stage: 'outputs', attempt: 1, message: 'other', count: 1, time },
  ]);
  // A poll with the entity tag of before sees them.
  expect((await jobs.get(id)).version).toBeGreaterThan(before.version);
  expect((await jobs.list({ limit: 1 })).jobs[0]?.warnings).toBe(3);
});

test('a warning that is sent again because its reply was lost counts once', async () => {
  const { attempts } = held.queue;
  const id = await created();
  const teacher = await begin(id, 'teacher');
  for (const number of [1, 1, 2, 1]) await attempts.warning(teacher, 'mind the gap', number);
  expect((await viewOf(id)).warnings).toMatchObject([{ count: 2 }]);
});

test('the view keeps the first hundred different warnings, cut to 2000 characters; the log has the others', async () => {
  const { attempts, events } = held.queue;
  const id = await created();
  const teacher = await begin(id, 'teacher');
  for (let i = 0; i < maxWarnings + 5; i++) await attempts.warning(teacher, `${i} ${'x'.repeat(3000)}`);
  await attempts.warning(teacher, `0 ${'x'.repeat(3000)}`);
  const { warnings } = await viewOf(id);
  expect(warnings.map(({ message }) => Number.parseInt(message, 10))).toEqual(
    Array.from({ length: maxWarnings }, (_, i) => i),
  );
  expect(new Set(warnings.map(({ message }) => message.length))).toEqual(new Set([2000]));
  expect(warnings[0]?.count).toBe(2);
  const logged = (await events.read(id)).filter(({ type }) => type === 'warning');
  expect(logged).toHaveLength(maxWarnings + 5);
});

test('skipped samples stand once for each data set, whichever stages load it', async () => {
  const { attempts, events } = held.queue;
  const id = await created();
  const samples = Array.from({ length: 50 }, (_, i) => ({ name: `${i} ü.png`, reason: 'not an image' }));
  const teacher = await begin(id, 'teacher');
  await attempts.skipped(teacher, { digest: 'own', count: 1, samples: [{ name: 'x', reason: 'y' }] });
  await attempts.succeed(teacher, 1);
  const outputs = await begin(id, 'outputs');
  await attempts.skipped(outputs, { digest: 'job', count: 50, samples });
  await attempts.skipped(outputs, { digest: 'own', count: 1, samples: [{ name: 'x', reason: 'y' }] });
  expect((await viewOf(id)).skippedData).toEqual([
    { stage: 'teacher', digest: 'own', count: 1, samples: [{ name: 'x', reason: 'y' }] },
    { stage: 'outputs', digest: 'job', count: 50, samples: samples.slice(0, 20) },
  ]);
  expect((await events.read(id)).filter(({ type }) => type === 'skipped')).toHaveLength(2);
  // Of data that are decoded while they are read, more is found later.
  const found = [...samples.slice(0, 1), { name: 'late.png', reason: 'not an image' }];
  await attempts.skipped(outputs, { digest: 'own', count: 2, samples: found });
  await attempts.skipped(outputs, { digest: 'own', count: 1, samples: [] });
  expect((await viewOf(id)).skippedData).toMatchObject([
    { stage: 'teacher', digest: 'own', count: 2, samples: found },
    { stage: 'outputs', digest: 'job', count: 50 },
  ]);
});
