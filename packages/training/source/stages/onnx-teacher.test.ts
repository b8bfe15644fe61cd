import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formats, safetensors } from '@distillery/formats';
import type { JobSpec, Report } from '@distillery/spec';
import { teacherConformance } from '@distillery/teachers/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { datasets } from '@distillery/datasets';
import { jobSpec } from '../kinds.ts';
import { planNetworks } from '../planning/plan-networks.ts';
import { describeTeachers } from '../planning/subjects.ts';
import { rowsName, storedRowsSchema } from '../outputs.ts';
import { stageRunner } from '../testing/stages.ts';
import { openTeacher } from './teacher-provider.ts';
import type { OutputsResult } from './outputs.ts';
import type { TeacherResult } from './teacher.ts';

let folder: string;
let runner: Awaited<ReturnType<typeof stageRunner>>;
/** The job that trains the teacher, and its report. */
let native: Awaited<ReturnType<typeof reported>>;
/** The names of the results of each operator in the teacher's ONNX file, in their order. */
let results: (operator: string) => string[];

const lightnn = { type: 'lightnn' };
const base = {
  dataset: { source: 'shapes', trainCount: 400, testCount: 100 },
  teacher: { architecture: lightnn, training: { epochs: 4 } } as object,
  students: [
    {
      name: 'soft',
      architecture: lightnn,
      method: [
        { type: 'soft_target' },
        { type: 'hint', student: 'features', teacher: 'features' },
        { type: 'cross_entropy' },
      ],
    },
  ],
  seeds: [3],
  training: { epochs: 2, batchSize: 32 },
};
const specOf = (teacher: object, more: object = {}) => jobSpec.parse({ ...base, teacher, ...more });

async function reported(id: string, spec: JobSpec) {
  const job = await runner.plan(id, spec);
  const warnings: string[] = [];
  for (const stage of job.stages) warnings.push(...(await job.run(stage.id)).warnings);
  return { job, warnings, report: (job.results.report as { report: Report }).report };
}

const installed = await import('onnxruntime-node').then(
  () => true,
  () => false,
);

describe.skipIf(!installed)('a teacher in a file of ONNX', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'distillery-onnx-'));
    runner = await stageRunner([folder]);
    native = await reported('job_native', jobSpec.parse(base));
    const { result } = native.job.results.teacher as TeacherResult;
    const weights = safetensors.decode(await runner.store.read(result.best.weights.digest));
    const write = async (name: string, options: object) => {
      const format = formats.get('onnx');
      const bytes = format.encode(weights, format.options.parse(options));
      await writeFile(join(folder, name), bytes);
      return bytes;
    };
    const bytes = await write('teacher.onnx', {});
    await write('pixels.onnx', { input: 'pixels' });
    const text = Buffer.from(bytes).toString('latin1');
    results = (operator) => [...new Set(text.match(new RegExp(`(?:${operator})_\\d+`, 'g')))];
    await writeFile(join(folder, 'noise.onnx'), 'no model');
  }, 120_000);
  afterAll(async () => {
    await runner?.remove();
    if (folder !== undefined) await rm(folder, { recursive: true });
  });

  /** The tensor before the classifier, whose name belongs to our own files. */
  const features = () => results('Relu').at(-1) as string;
  const given = (more: object = {}) => ({
    type: 'onnx',
    path: 'teacher.onnx',
    taps: { features: features() },
    ...more,
  });

  test('gives the outputs, and makes the student, that the network itself gives and makes', {
    timeout: 120_000,
  }, async () => {
    const { job, report, warnings } = await reported('job_onnx', specOf(given()));
    expect(job.stages.map(({ id }) => id)).not.toContain('teacher');
    expect(warnings.filter((warning) => warning.startsWith('the teacher'))).toEqual([]);
    for (const tap of ['logits', 'features']) {
      const rows = async (from: typeof job) => {
        const [{ address }] = (from.results.outputs as OutputsResult).sets;
        const stored = await runner.store.manifest(rowsName(address, tap, 0), storedRowsSchema);
        return new Float32Array((await runner.store.read(stored?.digest ?? '')).slice().buffer);
      };
      const [ours, theirs] = [await rows(native.job), await rows(job)];
      expect(theirs.length).toBe(ours.length);
      const furthest = ours.reduce((most, value, i) => Math.max(most, Math.abs(value - theirs[i])), 0);
      expect(furthest, tap).toBeLessThan(1e-4);
    }
    const [student] = report.students.slice(-1);
    const [expected] = native.report.students.slice(-1);
    expect(student.runs[0].losses.soft_target).toBeCloseTo(expected.runs[0].losses.soft_target, 4);
    expect(student.runs[0].best.testAccuracy).toBeCloseTo(expected.runs[0].best.testAccuracy, 1);
    expect(report.teachers[0]).toMatchObject({
      stage: 'outputs',
      best: { testAccuracy: native.report.teachers[0].best.testAccuracy, agreement: 1 },
    });
    const size = report.teachers[0].best.weights.size;
    expect(size, 'the size of the file').toBeGreaterThan(100_000);
  });

  test('runs in the training loop of students with fresh views', { timeout: 120_000 }, async () => {
    const training = { ...base.training, augmentation: { type: 'flip', views: 'fresh' } };
    const { report } = await reported('job_fresh', specOf(given(), { training, baseline: false }));
    expect(report.students[0].runs[0].losses.soft_target).toBeGreaterThan(0);
  });

  test('resizes images for the model, and reads a map of another layout as [height, width, channels]', async () => {
    const [map] = results('MaxPool').slice(-1);
    const spec = specOf(
      given({
        taps: { last: map },
        size: [32, 32],
        normalization: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
      }),
      {
        students: [{ ...base.students[0], method: [{ type: 'soft_target' }, { type: 'cross_entropy' }] }],
      },
    );
    const data = { ...runner.data, store: runner.store };
    const job = await datasets.get('shapes').outline(spec.dataset, data);
    const { teacher } = await describeTeachers(spec, data, { ...job, shape: [48, 40, 3] });
    expect(teacher.taps).toEqual({ logits: [10], last: [8, 8, 16] });
    expect(teacher.normalization).toEqual({ mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] });
  });

  test('a wrong preprocessing is noticed', { timeout: 120_000 }, async () => {
    const normalization = { mean: [30, 30, 30], std: [0.01, 0.01, 0.01] };
    const job = await runner.plan('job_wrong', specOf(given({ normalization })));
    const { warnings } = await job.run('outputs');
    expect(warnings).toContainEqual(expect.stringMatching(/which is guessing .* its normalisation/));
  });

  test('what cannot be used is refused', async () => {
    const refusal = async (teacher: object) => {
      const error = await runner.plan('job_refused', specOf(teacher)).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toMatchObject({ code: 'invalid_spec', status: 422 });
      return (error as { fields: { path: string; message: string }[] }).fields[0];
    };
    expect(await refusal(given({ path: 'noise.onnx' }))).toMatchObject({
      path: '/teacher/path',
      message: expect.stringMatching(/^is no ONNX model that ONNX Runtime can load: /),
    });
    expect(await refusal(given({ taps: { features: 'absent' } }))).toMatchObject({
      message: expect.stringMatching(/^has no tensors absent that can be read as taps/),
    });
    expect(await refusal(given({ layout: 'nhwc' }))).toMatchObject({
      message: expect.stringMatching(/^cannot be run: /),
    });
    expect(await refusal(given({ input: 'x' }))).toMatchObject({ message: 'has the input image, not x' });
    expect(await refusal(given({ path: 'pixels.onnx', taps: {} }))).toMatchObject({
      message: expect.stringMatching(/^takes uint8 as pixels, expected float32/),
    });
    expect(await refusal(given({ classes: ['a', 'b'] }))).toMatchObject({
      message: 'has 10 classes, expected 2',
    });
    const hint = { ...given(), taps: {} };
    expect(await refusal(hint)).toMatchObject({ path: expect.stringMatching(/^\/students\/0\/method\/1/) });
  });

  teacherConformance('is a provider', async () => {
    const spec = specOf(given());
    const data = { ...runner.data, store: runner.store };
    const job = await datasets.get('shapes').outline(spec.dataset, data);
    const { teachers } = planNetworks(spec, { job, teachers: await describeTeachers(spec, data, job) });
    return {
      open: () => openTeacher(runner, teachers[0], undefined, { shape: job.shape }),
      shape: job.shape,
    };
  });
});
