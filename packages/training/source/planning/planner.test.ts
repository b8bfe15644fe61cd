import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DistilleryError } from '@distillery/spec';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobSpec } from '../kinds.ts';
import { planJob } from './plan.ts';
import { planSchema } from './plan-schema.ts';
import { type Planner, startPlanner } from './planner.ts';

let folder: string;
let planner: Planner;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-planner-'));
  const warn = (message: string) => expect.unreachable(message);
  planner = startPlanner({ cacheDir: folder, roots: [folder], store: join(folder, 'store'), warn });
});
afterAll(async () => {
  await planner.close();
  await rm(folder, { recursive: true, force: true });
});

const lightnn = { type: 'lightnn' };
const spec = {
  dataset: { source: 'shapes', trainCount: 100, testCount: 50 },
  teacher: { architecture: lightnn },
  students: [{ name: 'small', architecture: lightnn, method: [{ type: 'soft_target' }] }],
};

test('the thread plans as this thread does', async () => {
  const parsed = jobSpec.parse(spec);
  const expected = await planJob(parsed, { cacheDir: folder, roots: [], gigaflops: 2 });
  const [job, view] = await Promise.all([
    planner.plan(JSON.stringify(spec), { gigaflops: 2 }),
    planner.validate(JSON.stringify(spec), { gigaflops: 2 }),
  ]);
  expect(job).toEqual({ spec: parsed, plan: expected.resolved });
  expect(planSchema.parse(JSON.parse(view))).toEqual(expected.plan);
});

test('a refusal names its fields, as it does without a thread', async () => {
  await expect(planner.plan(JSON.stringify({ ...spec, seeds: ['one'] }), {})).rejects.toMatchObject({
    code: 'invalid_spec',
    message: expect.stringMatching(/^\/seeds\/0: /),
    fields: [{ path: '/seeds/0', value: 'one' }],
  });
  const classMap = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`c${index}`, 'x']));
  const unknown = planner.plan(JSON.stringify({ ...spec, teacher: { ...spec.teacher, classMap } }), {});
  const error: unknown = await unknown.catch((reason: unknown) => reason);
  expect((error as DistilleryError).fields).toHaveLength(100);
});

test('after its thread has ended, the planner starts another one', async () => {
  // More than the thread can plan before it ends.
  const plans = Array.from({ length: 200 }, () => planner.plan(JSON.stringify(spec), {}));
  const interrupted = Promise.allSettled(plans);
  await planner.close();
  const last = (await interrupted).at(-1);
  expect(last).toMatchObject({ status: 'rejected', reason: { code: 'internal' } });
  expect((await planner.plan(JSON.stringify(spec), {})).plan.stages.map(({ id }) => id)).toContain('teacher');
});

test('a data set is described once, until its file changes', async () => {
  const path = join(folder, 'texts.csv');
  const rows = (count: number) =>
    `text,label\n${Array.from({ length: count }, (_, index) => `a text,${index % 2 ? 'no' : 'yes'}\n`).join('')}`;
  const texts = {
    dataset: { source: 'text_csv', path },
    teacher: { architecture: { type: 'text_transformer' } },
    students: [{ ...spec.students[0], architecture: { type: 'text_transformer' } }],
  };
  const counts = async () => {
    const view = await planner.validate(JSON.stringify({ ...texts, validation: 0 }), {});
    const { train, test: held } = planSchema.parse(JSON.parse(view)).dataset;
    return train + held;
  };
  await writeFile(path, rows(100));
  expect(await counts()).toBe(100);
  await writeFile(path, rows(140));
  expect(await counts()).toBe(140);
});
