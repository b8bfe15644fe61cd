import type { Attempt } from '@distillery/queue';
import { type Curves, curvesSchema } from '@distillery/spec';
import { expect, test } from 'vitest';
import { curveReader } from './curves/read-curves.ts';
import { privateApi, problem, submitted } from './testing/api.ts';

const held = privateApi();

const row = (step: number, values: Record<string, number>) => ({
  epoch: Math.ceil(step / 10),
  step,
  time: '2026-01-01T00:00:00.000Z',
  values,
});

async function begin(id: string, stage: string): Promise<Attempt> {
  const begun = await held.queue.attempts.begin(id, stage, 'w');
  if ('skip' in begun) throw new Error(begun.skip);
  return begun;
}

async function curves(id: string, query = ''): Promise<Curves> {
  const response = await held.request(`/v1/jobs/${id}/curves${query}`);
  if (response.status !== 200) throw new Error(await response.text());
  return curvesSchema.parse(await response.json());
}

const rows = (from: number, to: number, loss = (step: number) => 1 / step) =>
  Array.from({ length: to - from + 1 }, (_, i) => row(from + i, { loss: loss(from + i) }));

test('curves have a point for each row, and later ones only what is new', async () => {
  const { id } = await submitted(held);
  expect(await curves(id)).toEqual({ curves: [], after: null, complete: true });
  const teacher = await begin(id, 'teacher');
  await held.queue.attempts.metrics(teacher, [
    ...rows(1, 3),
    row(3, { epoch_seconds: 2, validation_accuracy: 0.5 }),
  ]);
  const first = await curves(id);
  expect(first.curves).toEqual([
    { stage: 'teacher', name: 'loss', step: [1, 2, 3], epoch: [1, 1, 1], value: [1, 1 / 2, 1 / 3] },
    { stage: 'teacher', name: 'epoch_seconds', step: [3], epoch: [1], value: [2] },
    { stage: 'teacher', name: 'validation_accuracy', step: [3], epoch: [1], value: [0.5] },
  ]);

  await held.queue.attempts.metrics(teacher, [row(4, { loss: Number.NaN })]);
  const newer = await curves(id, `?after=${first.after}`);
  expect(newer.curves).toEqual([{ stage: 'teacher', name: 'loss', step: [4], epoch: [1], value: [null] }]);
  expect((await curves(id, `?after=${newer.after}`)).curves).toEqual([]);
  const all = await curves(id);
  expect(all.curves[0]).toMatchObject({ step: [1, 2, 3, 4], value: [1, 1 / 2, 1 / 3, null] });

  const thin = await curves(id, '?points=2&stage=teacher');
  expect(thin.curves[0]).toEqual({
    stage: 'teacher',
    name: 'loss',
    step: [2, 4],
    epoch: [1, 1],
    value: [0.75, 0.3333333333333333],
    min: [0.5, 1 / 3],
    max: [1, 1 / 3],
  });
});

test('a later attempt replaces the rows that it writes again, in curves that are known already, too', async () => {
  const { id } = await submitted(held);
  const first = await begin(id, 'teacher');
  await held.queue.attempts.metrics(first, rows(1, 20));
  expect((await curves(id)).curves[0].step).toHaveLength(20);
  await held.queue.attempts.handBack(first);
  const second = await begin(id, 'teacher');
  await held.queue.attempts.metrics(
    second,
    rows(11, 15, () => 7),
  );
  const { curves: now } = await curves(id);
  expect(now[0].step).toEqual(Array.from({ length: 15 }, (_, i) => i + 1));
  expect(now[0].value.slice(9)).toEqual([1 / 10, 7, 7, 7, 7, 7]);
});

test('many requests at once for rows that nobody has read get the same answer', async () => {
  const { id } = await submitted(held);
  const teacher = await begin(id, 'teacher');
  for (let i = 0; i < 6; i++) await held.queue.attempts.metrics(teacher, rows(1000 * i + 1, 1000 * i + 1000));
  const answers = await Promise.all(Array.from({ length: 10 }, () => curves(id, '?points=100')));
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  const [{ step, max }] = answers[0].curves;
  expect([step.length <= 100, step.at(-1), max?.[0]]).toEqual([true, 6000, 1]);
});

test('very many rows are answered in parts that lead to the whole', async () => {
  const { id } = await submitted(held);
  const teacher = await begin(id, 'teacher');
  const [parts, each] = [9, 1000];
  for (let i = 0; i < parts; i++) {
    const loss = (step: number) => (step === 4321 ? 50 : 1 / step);
    await held.queue.attempts.metrics(teacher, rows(each * i + 1, each * (i + 1), loss));
  }
  const reader = curveReader(held.queue, { partMs: 0 });
  const query = { stages: ['teacher'], points: 500, partial: true };
  const answers = [await reader.read(id, query)];
  while (answers.at(-1)?.complete === false) answers.push(await reader.read(id, query));
  const reached = answers.map(({ curves }) => curves[0].step.at(-1));
  expect(reached).toEqual([2000, 4000, 6000, 8000, 9000]);
  // A request for all goes on from the parts, and one of a reader that knows nothing has the same answer.
  const { partial: _, ...all } = query;
  expect(await reader.read(id, all)).toEqual(answers.at(-1));
  expect(await curves(id, '?points=500&stage=teacher')).toEqual(answers.at(-1));
  expect((await curves(id, '?partial=true')).complete).toBe(true);
  expect(Math.max(...(answers.at(-1)?.curves[0].max as number[]))).toBe(50);
});

test('what a job does not have is refused', async () => {
  const { id } = await submitted(held);
  const refused = async (path: string) => (await problem(await held.request(path))).code;
  expect(await refused(`/v1/jobs/${id}/curves?stage=teacher&stage=nonsense`)).toBe('stage_not_found');
  expect(await refused(`/v1/jobs/${id}/curves?points=1`)).toBe('malformed_request');
  expect(await refused(`/v1/jobs/${id}/curves?after=x`)).toBe('malformed_request');
  expect(await refused('/v1/jobs/job_x/curves')).toBe('job_not_found');
});
