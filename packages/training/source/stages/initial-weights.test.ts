import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { syntheticTexts } from '@distillery/datasets/testing';
import { type NamedTensor, safetensors } from '@distillery/formats';
import type { Report } from '@distillery/spec';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobSpec } from '../kinds.ts';
import { keepNetwork } from '../networks/kept-networks.ts';
import { resolveNetworks } from '../networks/resolve.ts';
import { stageRunner } from '../testing/stages.ts';
import { StopTraining } from '../training-run.ts';
import type { StudentResult } from './student.ts';
import type { TeacherResult } from './teacher.ts';

let folder: string;
let runner: Awaited<ReturnType<typeof stageRunner>>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-initial-'));
  await writeFile(join(folder, 'texts.csv'), syntheticTexts(160));
  await writeFile(join(folder, 'others.csv'), syntheticTexts(160, 5));
  runner = await stageRunner([folder]);
});
afterAll(async () => {
  await runner?.remove();
  if (folder !== undefined) await rm(folder, { recursive: true });
});

const vit = (depth: number) => ({ type: 'vit', patch: 8, width: 12, depth, heads: 2 });
const method = [{ type: 'soft_target' }, { type: 'cross_entropy' }];
/** Steps that change no bit of a float32 show the first weights. */
const still = { optimizer: { type: 'sgd', learningRate: 1e-30 } };
const base = {
  dataset: { source: 'shapes', trainCount: 120, testCount: 60 },
  teacher: { architecture: vit(4) },
  students: [{ name: 'half', architecture: vit(2), initial: { from: 'teacher', layers: [0, 2] }, method }],
  seeds: [3],
  training: { epochs: 1, batchSize: 40 },
};

async function tensorsOf(digest: string): Promise<Map<string, NamedTensor['data']>> {
  const { parameters } = safetensors.decode(await runner.store.read(digest));
  return new Map(parameters.map(({ name, data }) => [name, data]));
}

async function refusal(changes: object) {
  const error = await runner.plan('job_refused', jobSpec.parse({ ...base, ...changes })).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: 'invalid_spec', status: 422 });
  return (error as { fields: object[] }).fields;
}

test('a student starts from every second layer of its teacher, and so does its control', {
  timeout: 120_000,
}, async () => {
  const [half] = base.students;
  const students = [
    { ...half, training: still },
    { ...half, name: 'random', initial: undefined },
  ];
  const spec = jobSpec.parse({ ...base, students });
  const job = await runner.plan('job_half', spec);
  expect(job.stages.find(({ id }) => id === 'student.control-vit.3')?.needs).toContain('teacher');
  for (const { id } of job.stages) await job.run(id);
  const { report } = job.results.report as { report: Report };
  expect(report.students.map(({ name, control }) => [name, control])).toEqual([
    ['control-vit', null],
    ['control-vit-2', null],
    ['half', 'control-vit'],
    ['random', 'control-vit-2'],
  ]);
  const digest = (name: string) =>
    report.students.find((student) => student.name === name)?.runs[0].initialWeights;
  expect(digest('control-vit')).toBe(digest('half'));
  expect(digest('control-vit-2')).toBe(digest('random'));
  expect(digest('half')).not.toBe(digest('random'));

  const theirs = await tensorsOf(report.teachers[0].best.weights.digest);
  const ours = await tensorsOf(report.students[2].runs[0].last.weights.digest);
  for (const [name, data] of ours) {
    expect(data, name).toEqual(theirs.get(name.replace(/^blocks\.1\./, 'blocks.2.')));
  }
});

test('a stopped student with initial weights goes on to the same bytes', { timeout: 120_000 }, async () => {
  const spec = jobSpec.parse({
    ...base,
    checkpoints: { everySeconds: 0 },
    training: { epochs: 2, batchSize: 40 },
  });
  const [whole, stopped] = [await runner.plan('job_whole', spec), await runner.plan('job_stopped', spec)];
  for (const job of [whole, stopped]) for (const id of ['teacher', 'outputs']) await job.run(id);
  await whole.run('student.half.3');
  let pauses = 0;
  const running = stopped.run('student.half.3', async () => {
    if (++pauses >= 4) throw new StopTraining('stop');
  });
  await expect(running).rejects.toBeInstanceOf(StopTraining);
  await stopped.run('student.half.3');
  const digestOf = (job: typeof whole) =>
    (job.results['student.half.3'] as StudentResult).result.last.weights.digest;
  expect(digestOf(stopped)).toBe(digestOf(whole));
});

test('a teacher is fine-tuned from a network that was brought, with a classifier of its own classes', {
  timeout: 120_000,
}, async () => {
  const job = await runner.plan('job_source', jobSpec.parse(base));
  await job.run('teacher');
  const { result } = job.results.teacher as TeacherResult;
  const bytes = await runner.store.read(result.best.weights.digest);
  const { classes, input } = safetensors.decode(bytes).metadata;
  const normalization = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] };
  const described = {
    architecture: vit(4),
    classes: (JSON.parse(classes) as string[]).map((name) => `my ${name}`),
    input: JSON.parse(input) as [number, number, number],
    normalization,
  };
  const { id, weights } = await keepNetwork(runner.store, described, { bytes, owner: null });
  const initial = { network: id, classifier: 'fresh' };
  const teacher = { architecture: vit(4), initial, training: still };
  const spec = await resolveNetworks(jobSpec.parse({ ...base, teacher }), runner.store);
  expect(spec.teacher).toMatchObject({ initial: { weights: weights.digest } });
  const tuned = await runner.plan('job_tuned', spec);
  await tuned.run('teacher');
  const plain = await runner.plan(
    'job_plain',
    jobSpec.parse({ ...base, teacher: { ...teacher, initial: undefined } }),
  );
  await plain.run('teacher');
  const [a, b] = [tuned, plain].map(({ results }) => results.teacher as TeacherResult);
  expect(a.address, 'the initial weights are part of what determines a teacher').not.toBe(b.address);
  expect(a.result.reused).toBe(false);
  const [theirs, ours] = [await tensorsOf(weights.digest), await tensorsOf(a.result.last.weights.digest)];
  for (const [name, data] of ours) {
    if (name.startsWith('head.')) expect(data, name).not.toEqual(theirs.get(name));
    else expect(data, name).toEqual(theirs.get(name));
  }
  // The other classes have another classifier, which is not taken over without being asked.
  const copied = { architecture: vit(4), initial: { weights: weights.digest } };
  expect(await refusal({ teacher: copied })).toMatchObject([
    { path: '/teacher/initial/classifier', allowed: ['fresh'], message: expect.stringContaining('(my ') },
  ]);
  const unknown = resolveNetworks(
    jobSpec.parse({ ...base, teacher: { ...teacher, initial: { network: 'net_1' } } }),
    runner.store,
  );
  await expect(unknown).rejects.toMatchObject({
    code: 'invalid_spec',
    fields: [{ path: '/teacher/initial/network', value: 'net_1' }],
  });
});

test('what does not fit is refused name by name', async () => {
  const initial = (given: object, architecture: object = vit(2)) =>
    refusal({ students: [{ ...base.students[0], architecture, initial: given }] });
  const path = '/students/0/initial';
  expect(await initial({ from: 'other' })).toEqual([
    { path: `${path}/from`, message: 'is no teacher of the job', value: 'other', allowed: ['teacher'] },
  ]);
  expect(await initial({ from: 'teacher', layers: [0] })).toMatchObject([
    { path: `${path}/layers`, message: 'names 1 layers, expected 2, one for each layer of the network' },
  ]);
  expect(await initial({ from: 'teacher', layers: [0, 4] })).toMatchObject([
    { path: `${path}/layers/1`, value: 4, message: 'is no layer of the source, which has 4, counted from 0' },
  ]);
  expect(await initial({ from: 'teacher', layers: [0] }, { type: 'lightnn' })).toMatchObject([
    { path: `${path}/layers`, message: 'chooses layers of transformers, but the network is none' },
  ]);
  const wider = await initial({ from: 'teacher', layers: [0, 1] }, { ...vit(2), width: 16 });
  expect(wider).toContainEqual({
    path: `${path}/blocks.1.attn.proj.weight`,
    message: 'has the shape [12,12] in the source (blocks.1.attn.proj.weight), expected [16,16]',
    value: [12, 12],
  });
  expect(await initial({ from: 'teacher' })).toContainEqual({
    path: `${path}/blocks.3.norm1.weight`,
    message: 'of the source belongs to no layer of the network',
  });
  expect(await initial({ from: 'teacher' }, vit(5))).toContainEqual({
    path: `${path}/blocks.4.norm1.weight`,
    message: 'is missing in the source as blocks.4.norm1.weight, expected [12]',
  });
  const absent = 'b'.repeat(64);
  expect(await initial({ weights: absent })).toMatchObject([
    { path: `${path}/weights`, value: absent, message: expect.stringContaining('is not in the store') },
  ]);
  expect(
    jobSpec.safeParse({ ...base, students: [{ ...base.students[0], initial: {} }] }).error?.issues,
  ).toMatchObject([
    { path: ['students', 0, 'initial'], message: 'must have exactly one of: from, network, weights' },
  ]);
});

test('peers that would start equal are refused', async () => {
  const source = {
    ...base,
    teacher: { architecture: vit(2) },
    students: [{ name: 'any', architecture: vit(2), method }],
  };
  const job = await runner.plan('job_peer_source', jobSpec.parse(source));
  await job.run('teacher');
  const weights = (job.results.teacher as TeacherResult).result.best.weights.digest;
  const peer = (name: string, initial: object) => ({ name, architecture: vit(2), initial, method });
  const mutual = (classifier: string) => ({
    teacher: undefined,
    procedure: 'mutual',
    students: [peer('a', { weights, classifier }), peer('b', { weights, classifier })],
  });
  expect(await refusal(mutual('copied'))).toMatchObject([
    { path: '/students/1/initial', message: expect.stringContaining('the first weights of a') },
  ]);
  const planned = await runner.plan('job_peers', jobSpec.parse({ ...base, ...mutual('fresh') }));
  expect(planned.stages.map(({ id }) => id)).toContain('mutual.3');
});

test('a student of texts starts from layers of its teacher, and not from weights of another vocabulary', {
  timeout: 120_000,
}, async () => {
  const transformer = (depth: number) => ({ type: 'text_transformer', width: 8, depth, heads: 2 });
  const dataset = (path: string) => ({
    source: 'text_csv',
    path,
    length: 16,
    tokenizer: { type: 'word', vocabulary: 40 },
  });
  const texts = (path: string, initial: object) =>
    jobSpec.parse({
      ...base,
      dataset: dataset(path),
      teacher: { architecture: transformer(3) },
      students: [{ name: 'short', architecture: transformer(2), initial, method, training: still }],
      baseline: false,
    });
  const job = await runner.plan('job_texts', texts('texts.csv', { from: 'teacher', layers: [0, 2] }));
  for (const id of ['teacher', 'outputs', 'student.short.3']) await job.run(id);
  const { best } = (job.results.teacher as TeacherResult).result;
  const { last } = (job.results['student.short.3'] as StudentResult).result;
  const [theirs, ours] = [await tensorsOf(best.weights.digest), await tensorsOf(last.weights.digest)];
  for (const [name, data] of ours) {
    expect(data, name).toEqual(theirs.get(name.replace(/^blocks\.1\./, 'blocks.2.')));
  }
  const weights = best.weights.digest;
  const other = await runner.plan('job_others', texts('others.csv', { weights, layers: [0, 2] }));
  for (const id of ['teacher', 'outputs']) await other.run(id);
  await expect(other.run('student.short.3')).rejects.toMatchObject({
    code: 'preflight_failed',
    message: expect.stringContaining('another vocabulary'),
  });
});
