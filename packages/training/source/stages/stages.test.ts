import { blobFile, flipByte } from '@distillery/store/testing';
import type { Report } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobSpec } from '../kinds.ts';
import type { StoredRows } from '../outputs.ts';
import { batchThread } from '../batches/thread.ts';
import { StopTraining } from '../training-run.ts';
import type { OutputsResult } from './outputs.ts';
import type { StudentResult } from './student.ts';
import type { TeacherResult } from './teacher.ts';
import { stageRunner } from '../testing/stages.ts';

let runner: Awaited<ReturnType<typeof stageRunner>>;
beforeAll(async () => {
  runner = await stageRunner();
});
afterAll(() => runner.remove());

/** A whole job of a few seconds: every term, augmentation, validation, two seeds. */
const tiny = jobSpec.parse({
  dataset: { source: 'shapes', trainCount: 300, testCount: 100 },
  teacher: { architecture: { type: 'lightnn', dropout: 0.2 } },
  students: [
    {
      name: 'soft',
      architecture: { type: 'lightnn' },
      method: [
        {
          type: 'soft_target',
          temperature: { schedule: 'cosine', from: 4, to: 1, epochs: 2 },
          weight: 0.25,
        },
        { type: 'cross_entropy', weight: 0.75 },
      ],
    },
    {
      name: 'hint',
      architecture: { type: 'lightnn' },
      method: [
        {
          type: 'hint',
          normalize: true,
          weight: { schedule: 'linear', from: 0, to: 0.5, epochs: 2.5 },
        },
        { type: 'cosine', student: 'features', teacher: 'features', weight: 'auto' },
        // Its queue is full after two steps: what is in it must travel with the checkpoints.
        { type: 'contrastive', queue: 100 },
        { type: 'cross_entropy' },
      ],
    },
  ],
  seeds: [1, 2],
  training: { epochs: 3, batchSize: 64, augmentation: { type: 'crop_flip', views: 2 } },
});

test('a job runs from the teacher to the report', { timeout: 240_000 }, async () => {
  const job = await runner.plan('job_a', tiny);
  for (const stage of job.stages) {
    const before = tf.memory().numTensors;
    const { engine } = await job.run(stage.id);
    expect(tf.memory().numTensors, stage.id).toBe(before);
    expect(engine, 'only the report computes nothing').toBe(stage.id !== 'report');
  }
  // The same number of tensors after every step of a stage, whatever the step.
  const counts = new Set<number>();
  const again = await runner.plan('job_e', tiny);
  await again.run('teacher');
  await again.run('outputs');
  await again.run('student.hint.1', async ({ progress }) => {
    if (progress.at(-1)?.phase === 'training') counts.add(tf.memory().numTensors);
  });
  expect(counts.size).toBe(1);
  const { report } = job.results.report as { report: Report };
  expect(report.students.map((s) => s.name)).toEqual(['control', 'soft', 'hint']);
  const [control, soft, hint] = report.students;
  for (const [index] of tiny.seeds.entries()) {
    const digests = new Set([control, soft, hint].map((s) => s.runs[index].initialWeights));
    expect(digests.size, 'one architecture and seed: one first state').toBe(1);
  }
  expect(control.runs[0].initialWeights).not.toBe(control.runs[1].initialWeights);
  expect(control.runs[0].last.weights.digest).not.toBe(soft.runs[0].last.weights.digest);
  expect(soft.gapClosed === null || soft.gapClosed.last.sd !== null).toBe(true);
  expect(Object.keys(hint.runs[0].losses)).toEqual([
    'hint',
    'cosine',
    'contrastive',
    'cross_entropy',
    'loss',
  ]);
  const [ramp, auto, , labels] = hint.runs[0].terms;
  expect(ramp).toMatchObject({ name: 'hint', weight: { schedule: 'linear', to: 0.5 } });
  expect(auto).toMatchObject({ name: 'cosine', weight: auto.suggestedWeight });
  expect((auto.weight as number) * auto.gradientNorm).toBeCloseTo(labels.gradientNorm, 6);
  expect(labels).toMatchObject({ name: 'cross_entropy', weight: 1, suggestedWeight: 1 });
  expect(report.teachers[0].terms.map(({ name }) => name)).toEqual(['cross_entropy']);
  expect(report.outputs).toMatchObject([{ augmentation: 'crop_flip', views: 2, reused: false }]);
  expect(report.teachers[0].best.agreement).toBe(1);
  expect(report.teachers[0].best.teacherDivergence).toBe(0);
  expect(await runner.store.list('jobs/job_a')).toEqual([]);
});

test('a second job reuses the teacher and its outputs', { timeout: 240_000 }, async () => {
  const job = await runner.plan('job_b', tiny);
  const reported = await job.run('teacher');
  expect(reported.rows).toEqual([]);
  await job.run('outputs');
  expect((job.results.teacher as TeacherResult).result.reused).toBe(true);
  expect((job.results.outputs as OutputsResult).sets.map((set) => set.reused)).toEqual([true]);
});

test('a stage that was stopped and resumed ends with the same bytes', { timeout: 240_000 }, async () => {
  const whole = await runner.plan('job_c', tiny);
  for (const id of ['teacher', 'outputs']) await whole.run(id);
  const reported = await whole.run('student.hint.1');
  expect(reported.rows[0]).toMatchObject({ epoch: 0, step: 0 });
  expect(Object.keys(reported.rows[0].values)).toEqual([
    'gradient_norm_hint',
    'gradient_norm_cosine',
    'gradient_norm_contrastive',
    'gradient_norm_cross_entropy',
  ]);
  // 300 images less the validation split are 5 steps an epoch, each with its row.
  const curve = reported.rows.filter(({ values }) => 'learningRate' in values);
  expect(curve.map(({ step, values }) => [step, values.weight_hint])).toEqual(
    Array.from({ length: 15 }, (_, step) => [
      step + 1,
      step < 12.5 ? expect.closeTo((0.5 * step) / 12.5, 12) : 0.5,
    ]),
  );
  for (const { values } of curve) {
    expect(Object.keys(values).filter((name) => /^(weight|temperature|normalize)_/.test(name))).toEqual([
      'weight_hint',
    ]);
  }
  const { rows: soft } = await whole.run('student.soft.1');
  const temperatures = soft.flatMap(({ values }) => values.temperature_soft_target ?? []);
  // Half a wave from 4 to 1 over the first 10 of the 15 steps.
  expect([0, 5, 10, 14].map((step) => temperatures[step])).toEqual([4, expect.closeTo(2.5, 12), 1, 1]);
  const cut = await runner.plan('job_d', tiny);
  for (const id of ['teacher', 'outputs']) await cut.run(id);
  // Stop within epochs and between them.
  for (const stopAfter of [3, 7]) {
    let pauses = 0;
    const stopped = cut.run('student.hint.1', async () => {
      if (++pauses >= stopAfter) throw new StopTraining('stop');
    });
    await expect(stopped).rejects.toBeInstanceOf(StopTraining);
  }
  const { rows } = await cut.run('student.hint.1');
  // The weight that was found at the first step goes along; it is not looked for again.
  expect(rows.filter(({ step }) => step === 0)).toEqual([]);
  const digest = (job: typeof whole) => {
    const { last, best, terms } = (job.results['student.hint.1'] as StudentResult).result;
    return [last.weights.digest, best.weights.digest, last.logits.digest, terms];
  };
  expect(digest(cut)).toEqual(digest(whole));
});

test('outputs are made of the very weights that the teacher was scored with, or not at all', {
  timeout: 240_000,
}, async () => {
  const spec = jobSpec.parse({
    ...tiny,
    dataset: { source: 'shapes', trainCount: 80, testCount: 20 },
    training: { ...tiny.training, epochs: 1 },
  });
  const job = await runner.plan('job_g', spec);
  await job.run('teacher');
  const { result } = job.results.teacher as TeacherResult;
  await flipByte(blobFile(runner.store, result.best.weights.digest));
  await expect(job.run('outputs')).rejects.toMatchObject({ code: 'artifact_corrupt' });
});

test('rows of the teacher that are damaged end the stage with their error, before its first step', {
  timeout: 240_000,
}, async () => {
  const spec = jobSpec.parse({
    ...tiny,
    dataset: { source: 'shapes', trainCount: 100, testCount: 20 },
    teacher: { architecture: { type: 'lightnn' } },
    seeds: [1],
  });
  const job = await runner.plan('job_f', spec);
  for (const id of ['teacher', 'outputs']) await job.run(id);
  const { teacher } = job.results as { teacher: TeacherResult };
  const before = tf.memory().numTensors;
  // The second epoch's view: its rows are needed last.
  for (const name of await runner.store.list('outputs')) {
    if (!name.endsWith('/logits/1')) continue;
    const { digest, rows } = (await runner.store.manifest(name)) as StoredRows;
    if (rows === teacher.dataset.train) await flipByte(blobFile(runner.store, digest), 40);
  }
  let steps = 0;
  const student = job.run('student.soft.1', async ({ rows }) => {
    steps = rows.length;
  });
  await expect(student).rejects.toMatchObject({ code: 'artifact_corrupt', message: /is damaged/ });
  expect(steps).toBe(0);
  expect(tf.memory().numTensors).toBe(before);
  // Every run has left the thread, this one too, and the stages that stopped.
  expect(batchThread().onEnd.size).toBe(0);
});
