import { datasets } from '@distillery/datasets';
import { type Choice, LostArtifacts, type Report, sha256 } from '@distillery/spec';
import { blobFile } from '@distillery/store/testing';
import { rm } from 'node:fs/promises';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { jobSpec } from '../kinds.ts';
import { planJob } from '../planning/plan.ts';
import { planNetworks } from '../planning/plan-networks.ts';
import { stageRunner } from '../testing/stages.ts';
import { StopTraining } from '../training-run.ts';
import { loadWeights } from '../weights.ts';
import type { StudentResult } from './student.ts';
import type { TeacherResult } from './teacher.ts';

let runner: Awaited<ReturnType<typeof stageRunner>>;
beforeAll(async () => {
  runner = await stageRunner();
});
afterAll(() => runner.remove());

const lightnn = { type: 'lightnn' };
const soft = [{ type: 'soft_target' }, { type: 'cross_entropy' }];
const student = (name: string, more: object = {}) => ({ name, architecture: lightnn, method: soft, ...more });
const augmented = (views: number | 'fresh') => ({ augmentation: { type: 'crop_flip', views } });
/** 72 images without the validation split: 3 steps an epoch. */
const base = {
  dataset: { source: 'shapes', trainCount: 80, testCount: 40 },
  teacher: { architecture: lightnn },
  students: [student('small')],
  seeds: [3],
  training: { epochs: 3, batchSize: 32, seed: 9, ...augmented('fresh') },
};
const specOf = (changes: object = {}) => jobSpec.parse({ ...base, ...changes });
const planOf = (changes: object = {}) =>
  planJob(specOf(changes), { cacheDir: '', roots: [], store: runner.store });

/** Runs a whole job; no stage leaves a tensor behind. */
async function run(id: string, changes: object = {}) {
  const job = await runner.plan(id, specOf(changes));
  for (const { id: stage } of job.stages) {
    const before = tf.memory().numTensors;
    await job.run(stage);
    expect(tf.memory().numTensors, stage).toBe(before);
  }
  return { ...job, report: (job.results.report as { report: Report }).report };
}

const runOf = ({ students }: Report, name: string) => {
  const found = students.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no student ${name}`);
  return found.runs[0];
};

/** How far the losses of two runs of a student are apart, relative to them. */
function distance(a: { report: Report }, b: { report: Report }): number {
  const [one, other] = [a, b].map(({ report }) => runOf(report, 'small').losses);
  return Math.max(...Object.keys(one).map((term) => Math.abs(one[term] / other[term] - 1)));
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** Sums are rounded in another order in batches of another size. */
const rounding = 1e-4;

describe('the plan', () => {
  test('has no stage that stores outputs, and counts the forward pass of the teacher in the loop', async () => {
    const [fresh, cached] = [
      await planOf(),
      await planOf({ training: { ...base.training, ...augmented(2) } }),
    ];
    const ids = ({ resolved }: typeof fresh) => resolved.stages.map(({ id }) => id);
    expect(ids(fresh)).toEqual(['teacher', 'student.control.3', 'student.small.3', 'report']);
    expect(ids(cached)).toEqual(['teacher', 'outputs', ...ids(fresh).slice(1)]);
    const stage = ({ resolved }: typeof fresh, id: string) => {
      const found = resolved.stages.find((one) => one.id === id);
      if (found === undefined) throw new Error(`no stage ${id}`);
      return found;
    };
    for (const id of ['student.small.3', 'student.control.3'])
      expect(stage(fresh, id).needs).toEqual(['teacher']);
    const work = (planned: typeof fresh, id: string) => stage(planned, id).work;
    // A step of a student of the same network is three forward passes; the teacher's is one more.
    expect(work(fresh, 'student.small.3')).toBeCloseTo((4 / 3) * work(cached, 'student.small.3'), 0);
    expect(work(fresh, 'student.control.3')).toBe(work(cached, 'student.control.3'));
    expect(fresh.plan.estimate.outputsBytes).toBe(0);
  });

  test('counts the memory of a teacher in the loop', async () => {
    const deep = { teacher: { architecture: { type: 'deepnn' }, training: { batchSize: 1 } } };
    const [fresh, cached] = await Promise.all(
      (['fresh', 2] as const).map((views) =>
        planOf({ ...deep, training: { ...base.training, batchSize: 256, ...augmented(views) } }),
      ),
    );
    const [{ parameters }] = fresh.plan.teachers;
    const more = fresh.plan.estimate.memoryBytes - cached.plan.estimate.memoryBytes;
    expect(more).toBeGreaterThan(4 * parameters);
  });

  test('stores the outputs for the students that have a number of views, and no others', async () => {
    const students = [
      student('small', { teacher: 'assistant' }),
      student('assistant'),
      student('cached', { training: augmented(2), teacher: 'assistant' }),
    ];
    const { resolved, plan } = await planOf({ students, baseline: false });
    expect(resolved.stages.map(({ id, needs }) => [id, needs])).toEqual([
      ['teacher', []],
      ['student.assistant.3', ['teacher']],
      ['student.small.3', ['student.assistant.3']],
      ['outputs.assistant.3', ['student.assistant.3']],
      ['student.cached.3', ['outputs.assistant.3']],
      ['report', expect.anything()],
    ]);
    // 72 images, two views, 10 logits in float32: the classes of the shapes.
    const [logits] = plan.students[0].taps.logits;
    expect(plan.estimate.outputsBytes).toBe(72 * 2 * logits * 4);
  });

  test('leaves a training without an augmentation as it is: it has one view', async () => {
    const training = { ...base.training, augmentation: { type: 'none', views: 'fresh' } };
    const { resolved } = await planOf({ training });
    expect(resolved.stages.map(({ id }) => id)).toContain('outputs');
  });
});

test('a student ends as with stored outputs of as many views as it has epochs', {
  timeout: 120_000,
}, async () => {
  const method = [{ type: 'soft_target' }, { type: 'softmax_regression' }, { type: 'cross_entropy' }];
  const students = [student('small', { method })];
  const fresh = await run('job_fresh', { students });
  const cached = await run('job_cached', { students, training: { ...base.training, ...augmented(3) } });
  const two = await run('job_two', { students, training: { ...base.training, ...augmented(2) } });
  // One teacher for all: the number of views is not its own.
  for (const { report } of [cached, two]) {
    expect(report.teachers[0]).toMatchObject({
      reused: true,
      best: { weights: fresh.report.teachers[0].best.weights },
    });
  }
  const weights = ({ report }: typeof fresh, name: string) => runOf(report, name).last.weights.digest;
  // The control sees the same views.
  expect(weights(fresh, 'control')).toBe(weights(cached, 'control'));
  expect(weights(fresh, 'control')).not.toBe(weights(two, 'control'));
  // The features and logits are stored as float32, as they are computed.
  expect(distance(fresh, cached)).toBeLessThan(rounding);
  expect(distance(fresh, two)).toBeGreaterThan(rounding);
  expect(fresh.report.outputs).toEqual([]);
  expect(fresh.report.teachers[0].best.agreement).toBe(1);
});

test('maps, which are stored as float16, differ by the rounding alone', { timeout: 120_000 }, async () => {
  const students = [student('small', { method: [{ type: 'hint' }, { type: 'cross_entropy' }] })];
  const only = { students, baseline: false };
  const fresh = await run('job_fresh_maps', only);
  const cached = await run('job_cached_maps', { ...only, training: { ...base.training, ...augmented(3) } });
  expect(distance(fresh, cached)).toBeGreaterThan(0);
  expect(distance(fresh, cached)).toBeLessThan(1e-3);
});

test('every procedure has teachers in the loop, every kind of need is met, and no step leaks', {
  timeout: 240_000,
}, async () => {
  const students = [
    student('mean'),
    student('best', { combine: 'best' }),
    student('chained', { teacher: 'needy' }),
    student('needy', {
      teacher: 'teacher',
      method: [
        // The parameters of the teacher, its input gradient, a network that is trained beforehand, a memory by sample.
        { type: 'softmax_regression' },
        { type: 'gradient' },
        { type: 'factor', epochs: 4 },
        { type: 'contrastive', queue: 40 },
        { type: 'cross_entropy' },
      ],
    }),
  ];
  const teachers = [{ name: 'second', architecture: { type: 'lightnn', dropout: 0.3 }, weight: 3 }];
  const job = await run('job_all', { students, teachers, baseline: false });
  const auxiliary = job.stages.filter(({ kind }) => kind === 'auxiliary');
  expect(auxiliary.map(({ needs }) => needs)).toEqual([['teacher']]);
  expect(job.stages.some(({ kind }) => kind === 'outputs')).toBe(false);
  const digests = students.map(({ name }) => runOf(job.report, name).last.weights.digest);
  expect(new Set(digests).size).toBe(students.length);
  expect(runOf(job.report, 'best').last.agreement).not.toBeNull();
  const again = await runner.plan('job_all_again', specOf({ students, teachers, baseline: false }));
  Object.assign(again.results, job.results);
  const counts = new Set<number>();
  await again.run('student.needy.3', async ({ progress }) => {
    if (progress.at(-1)?.phase === 'training') counts.add(tf.memory().numTensors);
  });
  expect(counts.size).toBe(1);

  const born = { procedure: 'born_again', generations: 2, baseline: false };
  const { stages, report } = await run('job_born', born);
  expect(stages.map(({ id }) => id)).toEqual(['teacher', 'student.small-1.3', 'student.small-2.3', 'report']);
  expect(runOf(report, 'small-2').best.agreement).not.toBeNull();

  const peers = { procedure: 'mutual', teacher: undefined, students: [student('a'), student('b')] };
  expect((await run('job_peers', peers)).stages.map(({ id }) => id)).toContain('mutual.3');
});

test('the teacher stays as it is stored: in evaluation, and without gradients', {
  timeout: 120_000,
}, async () => {
  // BatchNorm would move its statistics in training.
  const spec = specOf({ teacher: { architecture: { type: 'resnet', depth: 8 } }, baseline: false });
  const job = await runner.plan('job_frozen', spec);
  await job.run('teacher');
  const { best } = (job.results.teacher as TeacherResult).result;
  const outline = await datasets.get('shapes').outline(spec.dataset, { cacheDir: '', roots: [] });
  const facts = { teacher: { architecture: spec.teacher?.architecture as Choice } };
  const [{ plan }] = planNetworks(spec, { job: outline, teachers: facts }).teachers;
  const stored = await loadWeights(runner.store, best.weights.digest, plan.parameters);
  let steps = 0;
  await job.run('student.small.3', async ({ progress }) => {
    if (progress.at(-1)?.phase !== 'training') return;
    steps++;
    const known = new Set(
      Object.values(tf.engine().registeredVariables).map((variable) => sha256(bytesOf(variable.dataSync()))),
    );
    for (const [name, values] of Object.entries(stored))
      expect(known.has(sha256(bytesOf(values))), name).toBe(true);
  });
  expect(steps).toBeGreaterThan(3);
});

test('a run that was stopped and resumed ends with the same bytes', { timeout: 120_000 }, async () => {
  const method = [{ type: 'hint' }, { type: 'contrastive', queue: 40 }, ...soft];
  const changes = { students: [student('small', { method })], baseline: false };
  const whole = await run('job_whole', changes);
  const cut = await runner.plan('job_cut', specOf(changes));
  cut.results.teacher = whole.results.teacher;
  // Within an epoch, and between two.
  for (const stopAfter of [2, 5]) {
    let pauses = 0;
    const before = tf.memory().numTensors;
    const stopped = cut.run('student.small.3', async () => {
      if (++pauses >= stopAfter) throw new StopTraining('stop');
    });
    await expect(stopped).rejects.toBeInstanceOf(StopTraining);
    expect(tf.memory().numTensors).toBe(before);
  }
  const { rows } = await cut.run('student.small.3');
  expect(rows.some(({ epoch }) => epoch === 1)).toBe(false);
  const { result } = cut.results['student.small.3'] as StudentResult;
  expect(result.last.weights).toEqual(runOf(whole.report, 'small').last.weights);
  expect(result.best.weights).toEqual(runOf(whole.report, 'small').best.weights);
});

test('a teacher without a stage of its own teaches with its classes and its normalisation', {
  timeout: 240_000,
}, async () => {
  const plain = await run('job_source', { baseline: false });
  const { dataset, result } = plain.results.teacher as TeacherResult;
  const { classes } = dataset;
  const turned = Object.fromEntries(classes.map((name, i) => [name, classes[(i + 1) % classes.length]]));
  const elsewhere = { dataset: { source: 'shapes', trainCount: 150, testCount: 50, seed: 5 } };
  for (const [id, teacher] of Object.entries({
    stored: { type: 'stored', weights: result.best.weights.digest },
    turned: { type: 'stored', weights: result.best.weights.digest, classMap: turned },
    elsewhere: { architecture: lightnn, ...elsewhere },
    elsewhere_turned: { architecture: lightnn, ...elsewhere, classMap: turned },
  })) {
    const changes = { teacher, baseline: false };
    const fresh = await run(`job_${id}`, changes);
    const cached = await run(`job_${id}_cached`, {
      ...changes,
      training: { ...base.training, ...augmented(3) },
    });
    // Its outputs stage scores it for the report, and stores nothing.
    expect(fresh.stages.map((stage) => stage.id)).toContain('outputs');
    expect(fresh.results.outputs).toMatchObject({ sets: [] });
    expect(distance(fresh, cached), id).toBeLessThan(rounding);
    if (id === 'stored') expect(distance(fresh, plain), id).toBe(0);
    else expect(distance(fresh, plain), id).toBeGreaterThan(rounding);
  }
});

test('weights of the teacher that are lost are trained again', { timeout: 120_000 }, async () => {
  const job = await runner.plan(
    'job_lost',
    specOf({ teacher: { architecture: lightnn, training: { seed: 77 } } }),
  );
  await job.run('teacher');
  const { best } = (job.results.teacher as TeacherResult).result;
  await rm(blobFile(runner.store, best.weights.digest));
  const failure = await job.run('student.small.3').catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(LostArtifacts);
  expect((failure as LostArtifacts).stages).toEqual(['teacher']);
  for (const stage of ['teacher', 'student.small.3']) await job.run(stage);
});
