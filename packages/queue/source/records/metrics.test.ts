import { expect, test } from 'vitest';
import type { Attempt } from '../index.ts';
import { graph, job, privateQueue } from '../testing/queue.ts';

const held = privateQueue();

async function begin(id: string, stage: string): Promise<Attempt> {
  const begun = await held.queue.attempts.begin(id, stage, 'w');
  if ('skip' in begun) throw new Error(begun.skip);
  return begun;
}

const time = '2026-01-01T00:00:00.000Z';
const step = (number: number) => ({ epoch: 1, step: number, time, values: { loss: number } });
const epoch = (number: number) => ({ epoch: 1, step: number, time, values: { epoch_loss: number } });
const shown = (rows: { attempt: number; step: number; values: object }[]) =>
  rows.map((row) => `${row.attempt}: ${Object.keys(row.values)[0]} ${row.step}`);

test('of rows that a later attempt has written again only its own are read, also when another attempt follows', async () => {
  const { attempts, jobs, metrics } = held.queue;
  const { view } = await jobs.create(job());
  const first = await begin(view.id, 'teacher');
  await attempts.metrics(first, [step(1), step(2)], 1);
  await attempts.metrics(first, [epoch(2), step(3), step(4)], 2);
  const second = await begin(view.id, 'teacher');
  // The first attempt was lost after it had saved step 2 and before the end of the epoch.
  await attempts.metrics(second, [epoch(2), step(3)], 1);
  const third = await begin(view.id, 'teacher');
  await attempts.metrics(third, [step(3), step(4)], 1);
  for (const stage of ['teacher', undefined]) {
    const latest = await metrics.read(view.id, { stage });
    expect(shown(latest.rows)).toEqual([
      '1: loss 1',
      '1: loss 2',
      '2: epoch_loss 2',
      '3: loss 3',
      '3: loss 4',
    ]);
    const all = await metrics.read(view.id, { stage, attempts: 'all' });
    expect(shown(all.rows).join(', ')).toBe(
      '1: loss 1, 1: loss 2, 1: epoch_loss 2, 1: loss 3, 1: loss 4, 2: epoch_loss 2, 2: loss 3, 3: loss 3, 3: loss 4',
    );
  }
});

test('pages of a whole job hold its rows in the order of their arrival, those of a stage are read from its own stream', async () => {
  const { attempts, jobs, metrics } = held.queue;
  const { view } = await jobs.create(job({ stages: graph(['a', 'b']) }));
  await attempts.succeed(await begin(view.id, 'teacher'), 1);
  await attempts.succeed(await begin(view.id, 'outputs'), 1);
  const [a, b] = [await begin(view.id, 'student.a.42'), await begin(view.id, 'student.b.42')];
  for (let i = 1; i <= 3; i++) {
    await attempts.metrics(a, [step(2 * i - 1), step(2 * i)]);
    await attempts.metrics(b, [step(i)]);
  }
  const seen: string[] = [];
  for (let after: string | undefined; ; ) {
    const page = await metrics.read(view.id, { limit: 2, after });
    seen.push(...page.rows.map((row) => `${row.stage} ${row.step}`));
    if (!page.more) break;
    after = page.after ?? undefined;
  }
  const order = [1, 2, 3].flatMap((i) => [`a.42 ${2 * i - 1}`, `a.42 ${2 * i}`, `b.42 ${i}`]);
  expect(seen).toEqual(order.map((row) => `student.${row}`));
  const page = await metrics.read(view.id, { stage: 'student.b.42', limit: 2 });
  expect(page).toMatchObject({ more: true, rows: [{ step: 1 }, { step: 2 }] });
  const next = await metrics.read(view.id, { stage: 'student.b.42', after: page.after ?? '' });
  expect(next).toMatchObject({ more: false, rows: [{ step: 3 }] });
});
