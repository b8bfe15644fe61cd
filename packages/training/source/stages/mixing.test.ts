import type { Report } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { jobSpec } from '../kinds.ts';
import { planJob } from '../planning/plan.ts';
import { stageRunner } from '../testing/stages.ts';
import { StopTraining } from '../training-run.ts';
import type { StudentResult } from './student.ts';

// Students whose images are changed at random and mixed, with stored and with computed outputs of their teachers.

let runner: Awaited<ReturnType<typeof stageRunner>>;
beforeAll(async () => {
  runner = await stageRunner();
});
afterAll(() => runner.remove());

const lightnn = { type: 'lightnn' };
const method = [
  { type: 'soft_target' },
  { type: 'decoupled' },
  { type: 'gradient' },
  { type: 'cross_entropy' },
];
const list = [
  { type: 'crop' },
  { type: 'flip' },
  { type: 'rand_augment' },
  { type: 'cutmix', probability: 0.5 },
  { type: 'mixup', probability: 0.8 },
];
const augmented = (views: number | 'fresh') => ({ augmentation: { transforms: list, views } });
/** 72 images without the validation split: 3 steps an epoch. */
const base = {
  dataset: { source: 'shapes', trainCount: 80, testCount: 40 },
  teacher: { architecture: lightnn },
  students: [{ name: 'small', architecture: lightnn, method }],
  seeds: [3],
  training: { epochs: 3, batchSize: 32, seed: 9, ...augmented(3) },
};
const specOf = (changes: object = {}) => jobSpec.parse({ ...base, ...changes });

async function run(id: string, changes: object = {}) {
  const job = await runner.plan(id, specOf(changes));
  for (const { id: stage } of job.stages) {
    const before = tf.memory().numTensors;
    await job.run(stage);
    expect(tf.memory().numTensors, stage).toBe(before);
  }
  return { ...job, report: (job.results.report as { report: Report }).report };
}

const lossesOf = ({ report }: { report: Report }) =>
  report.students.find(({ name }) => name === 'small')?.runs[0].losses ?? {};

const weightsOf = ({ results }: { results: Record<string, unknown> }, stage: string) =>
  (results[stage] as StudentResult).result.last.weights.digest;

test('a teacher is asked about the mixed images, stored or in the loop', { timeout: 240_000 }, async () => {
  const stored = await run('job_stored');
  const fresh = await run('job_fresh', { training: { ...base.training, ...augmented('fresh') } });
  expect(stored.report.outputs).toMatchObject([
    { augmentation: 'crop+flip+rand_augment+cutmix+mixup', views: 3, reused: false },
  ]);
  expect(fresh.report.outputs).toEqual([]);
  // The control sees the same mixed images and labels: the same bytes.
  expect(weightsOf(fresh, 'student.control.3')).toBe(weightsOf(stored, 'student.control.3'));
  const [one, other] = [lossesOf(stored), lossesOf(fresh)];
  expect(Object.keys(one)).toContain('decoupled');
  // Logits and input gradients are stored as float32; batches of another size are rounded in another order.
  for (const [term, loss] of Object.entries(one)) expect(Math.abs(other[term] / loss - 1)).toBeLessThan(1e-3);

  const unmixed = { augmentation: { transforms: list.slice(0, 3), views: 3 } };
  const plain = await run('job_plain', { training: { ...base.training, ...unmixed } });
  expect(weightsOf(plain, 'student.control.3')).not.toBe(weightsOf(stored, 'student.control.3'));
});

test('a run that was stopped and resumed ends with the same bytes', { timeout: 240_000 }, async () => {
  for (const views of [2, 'fresh'] as const) {
    const changes = { baseline: false, training: { ...base.training, ...augmented(views) } };
    const whole = await run(`job_whole_${views}`, changes);
    const cut = await runner.plan(`job_cut_${views}`, specOf(changes));
    Object.assign(cut.results, { teacher: whole.results.teacher, outputs: whole.results.outputs });
    for (const stopAfter of [2, 5]) {
      let pauses = 0;
      const stopped = cut.run('student.small.3', async () => {
        if (++pauses >= stopAfter) throw new StopTraining('stop');
      });
      await expect(stopped).rejects.toBeInstanceOf(StopTraining);
    }
    const { rows } = await cut.run('student.small.3');
    expect(rows.some(({ epoch }) => epoch === 1)).toBe(false);
    expect(weightsOf(cut, 'student.small.3')).toBe(weightsOf(whole, 'student.small.3'));
  }
});

test('the best of several teachers is chosen by the mixed labels', { timeout: 240_000 }, async () => {
  const teachers = [{ name: 'second', architecture: { type: 'lightnn', dropout: 0.3 } }];
  const students = [
    { name: 'small', architecture: lightnn, method: [{ type: 'soft_target' }], combine: 'best' },
  ];
  const [stored, fresh] = [
    await run('job_best', { teachers, students, baseline: false }),
    await run('job_best_fresh', {
      teachers,
      students,
      baseline: false,
      training: { ...base.training, ...augmented('fresh') },
    }),
  ];
  const [one, other] = [lossesOf(stored), lossesOf(fresh)];
  expect(Math.abs(other.soft_target / one.soft_target - 1)).toBeLessThan(1e-3);
});

describe('refusals', () => {
  const refusal = (changes: object) =>
    planJob(specOf(changes), { cacheDir: '', roots: [] }).then(
      () => undefined,
      (error: unknown) => error,
    );
  const training = (...transforms: object[]) => ({
    training: { ...base.training, augmentation: { transforms } },
  });

  test('a transform of texts, by its place, with those that fit', async () => {
    expect(await refusal(training({ type: 'flip' }, { type: 'token_dropout' }))).toMatchObject({
      code: 'invalid_spec',
      fields: [
        {
          path: '/training/augmentation/transforms/1/type',
          message: 'augments texts, but the data set holds images',
          value: 'token_dropout',
          allowed: expect.arrayContaining(['flip', 'mixup']),
        },
      ],
    });
  });

  test('a transform of single samples behind one that mixes', async () => {
    expect(await refusal(training({ type: 'mixup' }, { type: 'cutmix' }, { type: 'crop' }))).toMatchObject({
      fields: [
        {
          path: '/training/augmentation/transforms/2/type',
          message: 'must come before mixup, which mixes samples that the other transforms have changed',
        },
      ],
    });
    expect(await refusal(training({ type: 'crop' }, { type: 'mixup' }, { type: 'cutmix' }))).toBeUndefined();
  });
});
