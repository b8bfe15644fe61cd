import { decodeSafetensors, formats, safetensors } from '@distillery/formats';
import type { NetworkResult, Report } from '@distillery/spec';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobSpec } from '../kinds.ts';
import { planJob } from '../planning/plan.ts';
import { stageRunner } from '../testing/stages.ts';

let runner: Awaited<ReturnType<typeof stageRunner>>;
beforeAll(async () => {
  runner = await stageRunner();
});
afterAll(() => runner.remove());

const student = { name: 'reuse', architecture: { type: 'lightnn' }, method: [{ type: 'classifier_reuse' }] };
const spec = (method: object[], teacher = 'deepnn') =>
  jobSpec.parse({
    dataset: { source: 'shapes', trainCount: 96, testCount: 40 },
    teacher: { architecture: { type: teacher } },
    students: [{ ...student, method }],
    training: { epochs: 2, batchSize: 32 },
  });

test("a student that ends in the teacher's classifier is shipped with it", { timeout: 300_000 }, async () => {
  const job = await runner.plan('job_reuse', spec(student.method));
  for (const { id } of job.stages) await job.run(id);
  const { report } = job.results.report as { report: Report };
  const [control, { runs }] = report.students;
  const weightsOf = async ({ last }: NetworkResult) =>
    decodeSafetensors(await runner.store.read(last.weights.digest));
  const [ours, theirs, plain] = await Promise.all(
    [runs[0], report.teachers[0], control.runs[0]].map(weightsOf),
  );
  expect([...ours.tensors.keys()]).toEqual([
    ...[...plain.tensors.keys()].filter((name) => !name.startsWith('classifier.3')),
    'projector.0.weight',
    ...['weight', 'bias', 'running_mean', 'running_var'].map((part) => `projector.1.${part}`),
    'reused_classifier.weight',
    'reused_classifier.bias',
  ]);
  for (const part of ['weight', 'bias']) {
    const best = decodeSafetensors(await runner.store.read(report.teachers[0].best.weights.digest));
    expect(ours.tensors.get(`reused_classifier.${part}`)?.data).toEqual(
      best.tensors.get(`classifier.3.${part}`)?.data,
    );
  }
  expect(theirs.tensors.has('classifier.3.weight')).toBe(true);
  const classes = report.dataset.classes.length;
  const projector = 256 * 512 + 2 * 512;
  expect(runs[0].parameters).toBe(
    control.runs[0].parameters - (256 + 1) * classes + projector + (512 + 1) * classes,
  );
  expect(runs[0].flops).toBeGreaterThan(control.runs[0].flops);
  expect(Object.keys(runs[0].losses)).toEqual(['classifier_reuse', 'loss']);
  // Formats that write the network as a graph write the layers of the teacher, too.
  const { encode, options } = formats.get('onnx');
  const stored = safetensors.decode(await runner.store.read(runs[0].last.weights.digest));
  const model = Buffer.from(encode(stored, options.parse({})));
  expect(model.includes('reused_classifier.weight')).toBe(true);
  expect(model.includes('classifier.3.weight')).toBe(false);
});

test('the plan describes the extended network, and other terms read its taps', async () => {
  const context = { cacheDir: '', roots: [] };
  const method = [{ type: 'classifier_reuse' }, { type: 'rkd_distance' }, { type: 'gradient' }];
  const { plan } = await planJob(spec(method, 'resnet'), context);
  const [control, planned] = plan.students;
  expect(planned.taps).toMatchObject({ stage2: [8, 8, 16], projection: [8, 8, 64], features: [64] });
  expect(planned.terms.map((term) => term.student)).toEqual([
    ['projection'],
    ['features'],
    ['input_gradient'],
  ]);
  expect(control.taps).toMatchObject({ features: [256] });
});

test('two terms that each want to be the end of the student are refused', async () => {
  const method = [{ type: 'classifier_reuse' }, { type: 'classifier_reuse' }];
  await expect(planJob(spec(method), { cacheDir: '', roots: [] })).rejects.toMatchObject({
    code: 'invalid_spec',
    fields: [
      {
        path: '/students/0/method/1',
        message: 'the student already ends in a reused classifier: use the term once',
      },
    ],
  });
});

test('what learns from such a student takes over from what it has become, whichever comes first', async () => {
  const base = spec(student.method);
  const [first] = base.students;
  const second = { ...first, name: 'second', teacher: 'reuse' };
  const { plan } = await planJob(
    { ...base, students: [second, { ...first, teacher: 'teacher' }] },
    { cacheDir: '', roots: [] },
  );
  const [, learner, assistant] = plan.students;
  expect([learner.name, assistant.name]).toEqual(['second', 'reuse']);
  expect(assistant.taps).toMatchObject({ features: [256], projection: [512] });
  // The assistant's classifier takes what its own projector gives.
  expect(learner.terms[0].teacher).toEqual(['projection']);
  expect(learner.taps).toMatchObject({ features: [256], projection: [512] });
});

test('there must be one teacher', async () => {
  const peers = { ...spec(student.method), procedure: 'mutual', teacher: undefined } as const;
  const two = { ...peers, students: [peers.students[0], { ...peers.students[0], name: 'other' }] };
  await expect(planJob(two, { cacheDir: '', roots: [] })).rejects.toMatchObject({
    code: 'invalid_spec',
    fields: ['0', '1'].map((index) => ({
      path: `/students/${index}/method/0`,
      message: 'takes over layers of a teacher, so the student must have exactly one',
    })),
  });
});
