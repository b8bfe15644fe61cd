import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { datasets, profileDataset } from '@distillery/datasets';
import { allInputs, png } from '@distillery/datasets/testing';
import type { Report } from '@distillery/spec';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobSpec } from '../kinds.ts';
import { planJob } from '../planning/plan.ts';
import { stageRunner } from '../testing/stages.ts';
import { StopTraining } from '../training-run.ts';
import type { StudentResult } from './student.ts';

// Students that learn from images without a class, by what their teachers answer about them.

let folder: string;
let runner: Awaited<ReturnType<typeof stageRunner>>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-unlabeled-'));
  const set = join(folder, 'set');
  const write = async (name: string, level: number) => {
    await mkdir(join(set, name, '..'), { recursive: true });
    await writeFile(join(set, name), await png(level, level, 255 - level, 8, 8));
  };
  for (let at = 0; at < 10; at++) {
    await write(`train/dark/${at}.png`, 2 * at);
    await write(`train/light/${at}.png`, 255 - 2 * at);
  }
  for (let at = 0; at < 5; at++) {
    await write(`test/dark/${at}.png`, 3 + 4 * at);
    await write(`test/light/${at}.png`, 252 - 4 * at);
  }
  for (let at = 0; at < 40; at++) await write(`unlabeled/some/${at}.png`, (at % 2 ? 200 : 10) + at);
  // It equals a test image.
  await writeFile(join(set, 'unlabeled/equal.png'), await png(3, 3, 252, 8, 8));
  runner = await stageRunner([folder]);
});
afterAll(async () => {
  await runner.remove();
  await rm(folder, { recursive: true, force: true });
});

const student = {
  name: 'small',
  architecture: { type: 'mlp', hidden: [4] },
  method: [{ type: 'soft_target' }, { type: 'cross_entropy' }] as object[],
};
const specOf = ({ dataset = {}, training = {}, ...more }: Record<string, object> = {}) =>
  jobSpec.parse({
    dataset: { source: 'image_folder', path: 'set', ...dataset },
    teacher: { architecture: { type: 'mlp', hidden: [8] } },
    students: [student],
    seeds: [1],
    training: {
      epochs: 4,
      batchSize: 8,
      optimizer: { type: 'adam', learningRate: 0.03 },
      augmentation: { type: 'none' },
      ...training,
    },
    ...more,
  });
const context = () => ({ cacheDir: join(folder, 'cache'), roots: [folder] });
const studentStage = 'student.small.1';
const weightsOf = ({ results }: { results: Record<string, unknown> }, stage = studentStage) =>
  (results[stage] as StudentResult).result.last.weights.digest;

async function run(id: string, more?: Record<string, object>) {
  const job = await runner.plan(id, specOf(more));
  for (const stage of job.stages) await job.run(stage.id);
  return { ...job, report: (job.results.report as { report: Report }).report };
}

test.each(['ahead', 'on_read'])(
  'images without a class follow those of the training split: %s',
  async (decoding) => {
    const source = datasets.get('image_folder');
    const choice = datasets.schema.parse({ source: 'image_folder', path: 'set', decoding });
    const outline = await source.outline(choice, context());
    expect(outline).toMatchObject({
      classes: ['dark', 'light'],
      trainCount: 61,
      testCount: 10,
      unlabeled: 41,
    });
    const set = await source.load(choice, context());
    expect([set.train.count, set.unlabeled]).toEqual([61, 41]);
    expect([...set.train.labels].filter((label) => label < 0)).toHaveLength(41);
    expect([...set.train.labels.subarray(20)].every((label) => label === -1)).toBe(true);
    // All bytes of the unlabeled images are there.
    const inputs = await allInputs(set.train);
    const reds = Array.from({ length: 41 }, (_, at) => inputs[(20 + at) * 192]).sort((a, b) => a - b);
    const expected = [3, ...Array.from({ length: 40 }, (_, at) => (at % 2 ? 200 : 10) + at)];
    expect(reds).toEqual(expected.sort((a, b) => a - b));
    // What was kept says the same.
    expect(await source.outline(choice, context())).toEqual(outline);
    const profile = await profileDataset(source, choice, context());
    expect(profile.splits).toEqual({ train: [10, 10], test: [5, 5], unlabeled: 41 });
    expect(profile.duplicates).toMatchObject({ leaks: 1, conflicts: 0 });
    const [example] = profile.duplicates.examples;
    expect(example.first.name).toBe('unlabeled/equal.png');

    const without = datasets.schema.parse({ source: 'image_folder', path: 'set', unlabeled: 'ignore' });
    const ignored = await source.load(without, context());
    expect([ignored.train.count, ignored.unlabeled, ignored.skipped.count]).toEqual([20, undefined, 0]);
  },
);

test('students learn from them, teachers and controls do not', { timeout: 300_000 }, async () => {
  const more = await run('job_more');
  const without = await run('job_without', { dataset: { unlabeled: 'ignore' } });
  expect(more.report.students[0].runs[0].last.testAccuracy).toBeGreaterThan(0.9);
  // 18 labelled images in 3 steps an epoch, and 59 in 8.
  const stepsOf = ({ report }: typeof more) =>
    report.students.map(({ name, runs }) => [name, runs[0].epochs, runs[0].last.epoch]);
  expect(stepsOf(more)).toEqual(stepsOf(without));
  expect(weightsOf(more)).not.toBe(weightsOf(without));
  const { plan } = await planJob(specOf(), context());
  expect(plan.dataset).toMatchObject({ train: 18, validation: 2, test: 10, unlabeled: 41 });
  const work = (id: string) => plan.stages.find((stage) => stage.id === id)?.work ?? 0;
  expect(work(studentStage) / work('student.control.1')).toBeCloseTo(59 / 18, 1);
});

test('stored outputs and a teacher in the loop teach the same', { timeout: 300_000 }, async () => {
  const lossesOf = ({ report }: { report: Report }) =>
    report.students.find(({ name }) => name === 'small')?.runs[0].losses ?? {};
  const flips = (views: number | 'fresh') => ({
    training: { augmentation: { transforms: [{ type: 'flip' }], views } },
  });
  const [stored, fresh] = [
    lossesOf(await run('job_stored', flips(4))),
    lossesOf(await run('job_fresh', flips('fresh'))),
  ];
  expect(Object.keys(stored)).toEqual(['soft_target', 'cross_entropy', 'loss']);
  for (const [term, loss] of Object.entries(stored)) expect(Math.abs(fresh[term] - loss)).toBeLessThan(1e-3);
});

test('a run that was stopped and resumed ends with the same bytes', { timeout: 300_000 }, async () => {
  const [whole, cut] = [await runner.plan('job_whole', specOf()), await runner.plan('job_cut', specOf())];
  for (const job of [whole, cut]) {
    await job.run('teacher');
    await job.run('outputs');
  }
  await whole.run(studentStage);
  for (const stopAfter of [3, 9]) {
    let pauses = 0;
    const stopped = cut.run(studentStage, async () => {
      if (++pauses >= stopAfter) throw new StopTraining('stop');
    });
    await expect(stopped).rejects.toBeInstanceOf(StopTraining);
  }
  await cut.run(studentStage);
  expect(weightsOf(cut)).toBe(weightsOf(whole));
});

test('what needs the class of each sample is refused by name', async () => {
  const refusals = async (more: Record<string, object>) => {
    const error = (await planJob(specOf(more), context()).catch((thrown: unknown) => thrown)) as {
      fields?: { path: string; message: string }[];
    };
    return error.fields?.map(({ path, message }) => [path, message.split(',')[0]]);
  };
  const method = [{ type: 'soft_target' }, { type: 'gradient' }, { type: 'cross_entropy' }];
  expect(await refusals({ students: [{ ...student, method }] })).toEqual([
    ['/students/0/method/1', 'gradient needs the class of each sample'],
  ]);
  expect(await refusals({ training: { sampling: 'balanced' } })).toEqual([
    ['/training/sampling', 'balanced sampling needs the class of each sample'],
  ]);
  expect(await refusals({ training: { augmentation: { transforms: [{ type: 'mixup' }] } } })).toEqual([
    ['/training/augmentation', 'mixing samples needs the class of each sample'],
  ]);
  expect(
    await refusals({ dataset: { unlabeled: 'ignore' }, students: [{ ...student, method }] }),
  ).toBeUndefined();
});
