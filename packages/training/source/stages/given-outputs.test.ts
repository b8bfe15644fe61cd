import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { datasets } from '@distillery/datasets';
import { formats } from '@distillery/formats';
import type { JobSpec, Report } from '@distillery/spec';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { predictLogits } from '../evaluate.ts';
import { resolveTeacherFiles } from '../given/resolve.ts';
import { jobSpec } from '../kinds.ts';
import { planNetworks } from '../planning/plan-networks.ts';
import { describeTeachers } from '../planning/subjects.ts';
import { stageRunner } from '../testing/stages.ts';
import { openTeacher } from './teacher-provider.ts';
import type { TeacherResult } from './teacher.ts';
import { testPredictions } from './test-predictions.ts';

let folder: string;
let runner: Awaited<ReturnType<typeof stageRunner>>;
/** The report of a job that trains the teacher, and the logits of that teacher. */
let native: Report;
let logits: { train: Float32Array; test: Float32Array };
let classes: string[];

const lightnn = { type: 'lightnn' };
const [train, test_] = [400, 100];
const base = {
  dataset: { source: 'shapes', trainCount: train, testCount: test_ },
  teacher: { architecture: lightnn, training: { epochs: 4 } } as object,
  students: [
    {
      name: 'soft',
      architecture: lightnn,
      method: [{ type: 'soft_target' }, { type: 'dist' }, { type: 'cross_entropy' }],
    },
  ],
  seeds: [3],
  training: { epochs: 2, batchSize: 32 },
};

async function reported(id: string, spec: JobSpec) {
  const job = await runner.plan(id, spec);
  const warnings: string[] = [];
  for (const stage of job.stages) warnings.push(...(await job.run(stage.id)).warnings);
  return { job, warnings, report: (job.results.report as { report: Report }).report };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-outputs-'));
  runner = await stageRunner([folder]);
  const spec = jobSpec.parse(base);
  const { job, report } = await reported('job_native', spec);
  native = report;
  const data = { cacheDir: '', roots: [], store: runner.store };
  const dataset = await datasets.get('shapes').load(spec.dataset, data);
  classes = dataset.classes;
  const facts = await describeTeachers(spec, data);
  const outline = await datasets.get('shapes').outline(spec.dataset, data);
  const { teachers } = planNetworks(spec, { job: outline, teachers: facts });
  const { result, dataset: about } = job.results.teacher as TeacherResult;
  const provider = await openTeacher(runner, teachers[0], { result, data: about }, dataset);
  const [ofTrain] = await predictLogits(provider, dataset, dataset.train, async () => {});
  const [ofTest] = await predictLogits(provider, dataset, dataset.test, async () => {});
  logits = { train: ofTrain, test: ofTest };
  provider.dispose();
}, 120_000);
afterAll(async () => {
  await runner?.remove();
  if (folder !== undefined) await rm(folder, { recursive: true });
});

const tensor = (name: string, rows: number, data: Float32Array | Int32Array) => ({
  name,
  dtype: data instanceof Float32Array ? ('F32' as const) : ('I32' as const),
  shape: [rows, data.length / rows],
  data,
});

/** Writes arrays as a file and returns the teacher that it is. */
async function teacher(name: string, parameters: ReturnType<typeof tensor>[], more: object = {}) {
  const format = name.endsWith('.npz') ? 'npz' : 'safetensors';
  await writeFile(
    join(folder, name),
    formats.get(format).encode({ parameters, metadata: {} }, { precision: 'float32' }),
  );
  return { type: 'outputs', path: name, ...more };
}
const specOf = (given: object, more: object = {}) => jobSpec.parse({ ...base, teacher: given, ...more });
const digests = ({ students }: Report) =>
  students.map(({ name, runs }) => [name, runs[0].last.weights.digest]);

function softmax(row: readonly number[]): number[] {
  const powers = row.map((value) => Math.exp(value - Math.max(...row)));
  return powers.map((power) => power / powers.reduce((sum, each) => sum + each, 0));
}
const rowsOf = (values: Float32Array) =>
  Array.from({ length: values.length / classes.length }, (_, row) => [
    ...values.subarray(row * classes.length, (row + 1) * classes.length),
  ]);

test.each(['given.npz', 'given.safetensors'])(
  'the logits of a teacher in %s make the student that the teacher itself makes',
  {
    timeout: 120_000,
  },
  async (name) => {
    const arrays = [tensor('train', train, logits.train), tensor('test', test_, logits.test)];
    const { job, report, warnings } = await reported(`job_${name}`, specOf(await teacher(name, arrays)));
    expect(job.stages.map(({ id }) => id)).not.toContain('teacher');
    expect(digests(report)).toEqual(digests(native));
    expect(warnings.filter((warning) => warning.startsWith('the teacher'))).toEqual([]);
    expect(report.teachers[0]).toMatchObject({
      stage: 'outputs',
      parameters: 0,
      best: { testAccuracy: native.teachers[0].best.testAccuracy, agreement: 1 },
    });
    expect(report.students[1].runs[0].best.agreement).toBe(native.students[1].runs[0].best.agreement);
  },
);

test('the nine largest probabilities of ten, in Parquet and by positions, make nearly the same student', {
  timeout: 120_000,
}, async () => {
  const order = Array.from({ length: train }, (_, index) => (index * 7) % train);
  const chosen = rowsOf(logits.train).map((row) => {
    const shares = softmax(row);
    return shares
      .map((share, index) => [share, index])
      .sort(([a], [b]) => b - a)
      .slice(0, classes.length - 1);
  });
  const column = (part: 0 | 1) => order.map((index) => chosen[index].map((pair) => pair[part]));
  const list = (name: string, type: 'DOUBLE' | 'INT32') => [
    { name, repetition_type: 'REQUIRED' as const, converted_type: 'LIST' as const, num_children: 1 },
    { name: 'list', repetition_type: 'REPEATED' as const, num_children: 1 },
    { name: 'element', repetition_type: 'REQUIRED' as const, type },
  ];
  const bytes = parquetWriteBuffer({
    schema: [
      { name: 'root', num_children: 3 },
      { name: 'id', type: 'INT32', repetition_type: 'REQUIRED' },
      ...list('values', 'DOUBLE'),
      ...list('indices', 'INT32'),
    ],
    columnData: [
      { name: 'id', data: order },
      { name: 'values', data: column(0) },
      { name: 'indices', data: column(1) },
    ],
  });
  await writeFile(join(folder, 'few.parquet'), new Uint8Array(bytes));
  const given = { type: 'outputs', path: 'few.parquet', values: 'probabilities' };
  const { job, report } = await reported('job_few', specOf(given));
  // Without outputs for the test samples the teacher has no score, and nothing is compared with it.
  expect(report.teachers).toEqual([]);
  expect(report.students[1].runs[0].best.agreement).toBeNull();
  expect(report.students[1].gapClosed).toBeNull();
  expect(testPredictions({ stages: job.stages } as never, job.results)?.untested).toEqual(['teacher']);
  const loss = (of: Report) => of.students[1].runs[0].losses.soft_target;
  expect(loss(report)).toBeCloseTo(loss(native), 3);
});

test('a teacher with the classes in another order is noticed, and mapped by their names', {
  timeout: 120_000,
}, async () => {
  const turned = (values: Float32Array) =>
    Float32Array.from(rowsOf(values).flatMap((row) => [...row.slice(1), row[0]]));
  const names = [...classes.slice(1), classes[0]];
  const arrays = [tensor('train', train, turned(logits.train)), tensor('test', test_, turned(logits.test))];
  const given = await teacher('turned.npz', arrays);
  const job = await runner.plan('job_turned', specOf(given));
  const { warnings } = await job.run('outputs');
  expect(warnings).toContainEqual(
    expect.stringMatching(/^the teacher is right for .* check the order of its classes/),
  );
  const classMap = Object.fromEntries(classes.map((name) => [name, name]));
  const { report } = await reported('job_mapped', specOf({ ...given, classes: names, classMap }));
  expect(digests(report)).toEqual(digests(native));
});

test('every view has the outputs of its sample, and the plan says so', { timeout: 120_000 }, async () => {
  const given = await teacher('plain.npz', [tensor('train', train, logits.train)]);
  const augmentation = { type: 'flip', views: 2 };
  const { report } = await reported(
    'job_views',
    specOf(given, { training: { ...base.training, augmentation } }),
  );
  expect(report.outputs[0]).toMatchObject({ views: 2, taps: ['logits'] });
  expect(report.outputs[0].bytes).toBe(2 * 360 * classes.length * 4);
});

test('what does not fit the job is refused', async () => {
  const refusal = async (given: object, more: object = {}) => {
    const error = await runner.plan('job_refused', specOf(given, more)).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: 'invalid_spec', status: 422 });
    return (error as { fields: object[] }).fields;
  };
  const given = await teacher('good.npz', [tensor('train', train, logits.train)]);
  const few = await teacher('short.npz', [tensor('train', train - 1, logits.train.slice(classes.length))]);
  expect(await refusal(few)).toEqual([
    {
      path: '/teacher/path',
      value: 'short.npz',
      message: `has ${train - 1} rows for the train split, but the data set has ${train} samples in it`,
    },
  ]);
  const narrow = await teacher('narrow.npz', [tensor('train', train, new Float32Array(train * 3))]);
  expect(await refusal(narrow)).toMatchObject([
    { message: `has 3 classes for the train split, expected ${classes.length}` },
  ]);
  expect(await refusal({ type: 'outputs', path: 'absent.npz' })).toMatchObject([
    { path: '/teacher/path', message: 'does not exist' },
  ]);
  await writeFile(join(folder, 'text.npz'), 'no arrays');
  expect(await refusal({ type: 'outputs', path: 'text.npz' })).toMatchObject([
    { path: '/teacher/path', message: expect.stringMatching(/^is none of NPZ, safetensors and Parquet/) },
  ]);
  expect(await refusal({ type: 'outputs' })).toMatchObject([{ path: '/teacher/path' }]);
  expect(await refusal({ type: 'outputs', upload: 'upl_1' })).toMatchObject([{ path: '/teacher/upload' }]);
  // Terms that need more than outputs.
  const method = (type: string) => ({
    students: [{ ...base.students[0], method: [{ type }, { type: 'cross_entropy' }] }],
  });
  for (const type of [
    'hint',
    'attention',
    'similarity',
    'classifier_reuse',
    'softmax_regression',
    'gradient',
    'weights',
  ]) {
    const [field] = await refusal(given, method(type));
    expect(field, type).toMatchObject({ path: expect.stringMatching(/^\/students\/0\/method\/0/) });
  }
  const initial = { students: [{ ...base.students[0], initial: { from: 'teacher' } }] };
  expect(await refusal(given, initial)).toMatchObject([
    { path: '/students/0/initial/from', message: expect.stringContaining('of the type outputs') },
  ]);
  const fresh = { training: { ...base.training, augmentation: { type: 'flip', views: 'fresh' } } };
  expect(await refusal(given, fresh)).toMatchObject([{ path: '/training/augmentation/views' }]);
  const mixed = { training: { ...base.training, augmentation: { transforms: [{ type: 'mixup' }] } } };
  expect(await refusal(given, mixed)).toContainEqual({
    path: '/training/augmentation',
    message: expect.stringContaining('has outputs for whole samples only') as string,
  });
});

test('an upload is named by its id alone, and becomes the digest of its file', async () => {
  const digest = 'c'.repeat(64);
  const uploads = async (id: string) => ({ digest, name: `${id}.npz` });
  const spec = await resolveTeacherFiles(specOf({ type: 'outputs', upload: 'mine' }), uploads);
  expect(spec.teacher).toMatchObject({ type: 'outputs', path: `stored:${digest}/mine.npz` });
  expect(spec.teacher).not.toHaveProperty('upload');
  const foreign = resolveTeacherFiles(specOf({ type: 'outputs', path: `stored:${digest}/a.npz` }), uploads);
  await expect(foreign).rejects.toMatchObject({ code: 'invalid_spec', fields: [{ path: '/teacher/path' }] });
});
