import { safetensors } from '@distillery/formats';
import type { Report } from '@distillery/spec';
import { expectClose, expectNoLeak, sample } from '@distillery/engine/testing';
import { teacherConformance } from '@distillery/teachers/testing';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { datasets } from '@distillery/datasets';
import { jobSpec } from '../kinds.ts';
import { planNetworks } from '../planning/plan-networks.ts';
import { describeTeachers } from '../planning/subjects.ts';
import { stageRunner } from '../testing/stages.ts';
import { networksOf } from './index.ts';
import { openTeacher } from './teacher-provider.ts';
import type { TeacherResult } from './teacher.ts';

let runner: Awaited<ReturnType<typeof stageRunner>>;
/** What an earlier job has left. */
let earlier: TeacherResult;
let weights: string;
beforeAll(async () => {
  runner = await stageRunner();
  const job = await runner.plan('job_earlier', jobSpec.parse(base));
  await job.run('teacher');
  earlier = job.results.teacher as TeacherResult;
  weights = earlier.result.best.weights.digest;
}, 120_000);
afterAll(() => runner.remove());

const lightnn = { type: 'lightnn' };
const base = {
  dataset: { source: 'shapes', trainCount: 120, testCount: 60 },
  teacher: { architecture: lightnn },
  students: [
    { name: 'soft', architecture: lightnn, method: [{ type: 'soft_target' }, { type: 'cross_entropy' }] },
  ],
  seeds: [3],
  training: { epochs: 2, batchSize: 32, seed: 9 },
};
const stored = (more: object = {}) => ({ type: 'stored', weights, ...more });

test('a network of an earlier job teaches as the job that trained it would', {
  timeout: 240_000,
}, async () => {
  const students = [
    ...base.students,
    // Read the teacher's parameters: its classifier, which one of them takes over.
    {
      name: 'regression',
      architecture: lightnn,
      method: [{ type: 'softmax_regression' }, { type: 'cross_entropy' }],
    },
    { name: 'reuse', architecture: lightnn, method: [{ type: 'classifier_reuse' }] },
  ];
  const trained = await runner.plan('job_trained', jobSpec.parse({ ...base, students }));
  const given = await runner.plan('job_given', jobSpec.parse({ ...base, students, teacher: stored() }));
  expect(given.stages.map(({ id }) => id)).toEqual(
    trained.stages.map(({ id }) => id).filter((id) => id !== 'teacher'),
  );
  for (const job of [trained, given]) {
    for (const { id } of job.stages) {
      const before = tf.memory().numTensors;
      await job.run(id);
      expect(tf.memory().numTensors, id).toBe(before);
    }
  }
  const [a, b] = [trained, given].map(({ results }) => (results.report as { report: Report }).report);
  const digests = (report: Report) => report.students.map(({ runs }) => runs[0].last.weights.digest);
  expect(digests(b)).toEqual(digests(a));
  expect(b.students.map(({ runs }) => runs[0].best.agreement)).toEqual(
    a.students.map(({ runs }) => runs[0].best.agreement),
  );
  // The report shows its score on the test set, and that nothing of it was trained here.
  expect(b.teachers).toHaveLength(1);
  expect(b.teachers[0]).toMatchObject({
    name: 'teacher',
    stage: 'outputs',
    epochs: 0,
    reused: true,
    initialWeights: weights,
    best: { weights: { digest: weights }, testAccuracy: a.teachers[0].best.testAccuracy, agreement: 1 },
  });
  // Its weights can be downloaded from this job too.
  const outputs = given.stages[0];
  expect(networksOf(outputs)).toEqual([{ name: 'teacher', role: 'teacher', seed: null }]);
  const [network] = networksOf(outputs, given.results.outputs);
  expect(network.trained?.result.best.weights).toEqual(earlier.result.best.weights);
});

test('its classes are mapped to those of the job', { timeout: 240_000 }, async () => {
  const { classes } = earlier.dataset;
  const turned = Object.fromEntries(classes.map((name, i) => [name, classes[(i + 1) % classes.length]]));
  const job = await runner.plan(
    'job_turned',
    jobSpec.parse({ ...base, teacher: stored({ classMap: turned }) }),
  );
  await job.run('outputs');
  const [network] = networksOf(job.stages[0], job.results.outputs);
  const plain = earlier.result.best.testAccuracy;
  expect(network.trained?.result.best.testAccuracy).not.toBe(plain);
});

async function refusal(changes: object) {
  const error = await runner.plan('job_refused', jobSpec.parse({ ...base, ...changes })).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: 'invalid_spec', status: 422 });
  return (error as { fields: object[] }).fields;
}

test('one that cannot be used is refused, naming what was expected', async () => {
  const unknown = 'a'.repeat(64);
  expect(await refusal({ teacher: { type: 'stored', weights: unknown } })).toEqual([
    {
      path: '/teacher/weights',
      value: unknown,
      message: 'is not in the store, expected the digest of a stored weights file',
    },
  ]);
  const { digest: noise } = await runner.store.put(Buffer.from('no weights at all, and long enough'));
  expect(await refusal({ teacher: { type: 'stored', weights: noise } })).toMatchObject([
    { path: '/teacher/weights', message: expect.stringMatching(/^cannot be read: /) },
  ]);
  const { digest: bare } = await runner.store.put(safetensors.encode({ parameters: [], metadata: {} }));
  expect(await refusal({ teacher: { type: 'stored', weights: bare } })).toMatchObject([
    { path: '/teacher/weights', message: expect.stringMatching(/architecture is missing; expected arch/) },
  ]);
  const { metadata, parameters } = safetensors.decode(await runner.store.read(weights));
  const changed = async (more: Record<string, string>) =>
    (await runner.store.put(safetensors.encode({ parameters, metadata: { ...metadata, ...more } }))).digest;
  const [text, strange, small, other] = [
    await changed({ tokenizer: '{}' }),
    await changed({ architecture: '{"type":"skynet"}' }),
    await changed({ input: '[16,16,3]' }),
    await changed({ classes: JSON.stringify(Array.from({ length: 10 }, (_, i) => `class ${i}`)) }),
  ];
  expect(await refusal({ teacher: { type: 'stored', weights: text } })).toMatchObject([
    { path: '/teacher/weights', message: expect.stringContaining('expected one for images') },
  ]);
  expect(await refusal({ teacher: { type: 'stored', weights: strange } })).toMatchObject([
    { path: '/teacher/weights', message: expect.stringContaining('must be one of: ') },
  ]);
  expect(await refusal({ teacher: { type: 'stored', weights: small } })).toMatchObject([
    { path: '/teacher/weights', message: 'has images of [16,16,3], but the job has images of [32,32,3]' },
  ]);
  expect(await refusal({ teacher: { type: 'stored', weights: other } })).toMatchObject([
    {
      path: '/teacher/classMap',
      message: expect.stringMatching(/^is required and must map each class of the job/),
    },
  ]);
});

teacherConformance('a stored teacher is a provider', () => providerOf('stored'));
teacherConformance('a trained teacher is a provider', () => providerOf('trained'));

/** The teacher as planned, and the data of the job. */
async function planned(type: 'trained' | 'stored') {
  const spec = jobSpec.parse(type === 'stored' ? { ...base, teacher: stored() } : base);
  const data = { cacheDir: '', roots: [], store: runner.store };
  const job = await datasets.get('shapes').outline(spec.dataset, data);
  const { teachers } = planNetworks(spec, { job, teachers: await describeTeachers(spec, data) });
  return { teacher: teachers[0], job };
}

async function providerOf(type: 'trained' | 'stored') {
  const { teacher, job } = await planned(type);
  const trained = type === 'trained' ? { result: earlier.result, data: earlier.dataset } : undefined;
  return { open: () => openTeacher(runner, teacher, trained, job), shape: job.shape };
}

test('a provider takes images that are normalised as those of the job, and puts out its classes', async () => {
  const { teacher, job } = await planned('stored');
  const own = earlier.dataset.normalization as { mean: number[]; std: number[] };
  const normalization = { mean: [0.1, 0.2, 0.3], std: [0.5, 0.25, 1] };
  const classMap = [3, 0, 2];
  const plain = await openTeacher(runner, teacher, undefined, job);
  const ofJob = await openTeacher(runner, { ...teacher, classMap }, undefined, {
    shape: job.shape,
    normalization,
  });
  expect(ofJob.digest).toBe(plain.digest);
  expect(ofJob.taps).toEqual({ ...plain.taps, logits: [3] });
  const pixels = sample([2, ...job.shape]);
  const [theirs, images] = [own, normalization].map(({ mean, std }) =>
    tf.tidy(() => tf.div(tf.sub(pixels, mean), std)),
  );
  const labels = tf.tensor1d([0, 1], 'int32');
  const taps = ['logits', 'features'];
  tf.tidy(() => {
    const expected = plain.predict({ images: theirs, labels }, taps);
    const found = ofJob.predict({ images, labels }, taps);
    expectClose(found.features, expected.features.dataSync(), { absolute: 1e-4 });
    const rows = expected.logits.arraySync() as number[][];
    const columns = rows.flatMap((row) => classMap.map((index) => row[index]));
    expectClose(found.logits, columns, { absolute: 1e-4 });
  });
  expectNoLeak(() => ofJob.predict({ images, labels }, taps));
  tf.dispose([pixels, theirs, images, labels]);
  plain.dispose();
  ofJob.dispose();
});
