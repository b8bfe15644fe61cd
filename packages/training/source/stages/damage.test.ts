import { readFile, rm, truncate } from 'node:fs/promises';
import { LostArtifacts } from '@distillery/spec';
import { isIntact } from '@distillery/store';
import { blobFile, flipByte, manifestFile } from '@distillery/store/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobSpec } from '../kinds.ts';
import { storedRowsSchema } from '../outputs.ts';
import { stageRunner } from '../testing/stages.ts';
import type { AuxiliaryResult } from './auxiliary.ts';
import type { OutputsResult } from './outputs.ts';
import type { StudentResult } from './student.ts';
import type { TeacherResult } from './teacher.ts';

// What jobs share is damaged between two jobs, as by a failing disk or a person who tidies up. The second job must end
// with the bytes of the first, and leave a store that the third one can use as it is.

const spec = jobSpec.parse({
  dataset: { source: 'shapes', trainCount: 64, testCount: 20 },
  teacher: { architecture: { type: 'lightnn' }, training: { seed: 1 } },
  students: [
    {
      name: 's',
      architecture: { type: 'lightnn' },
      method: [{ type: 'factor', epochs: 1 }, { type: 'soft_target' }, { type: 'cross_entropy' }],
    },
  ],
  seeds: [1],
  training: { epochs: 1, batchSize: 32, augmentation: { type: 'flip', views: 2 } },
  baseline: false,
  validation: 0,
});

type Runner = Awaited<ReturnType<typeof stageRunner>>;
let runner: Runner;
let first: Awaited<ReturnType<typeof completed>>;
beforeAll(async () => {
  runner = await stageRunner();
  first = await completed('job_first');
}, 240_000);
afterAll(() => runner.remove());

/** Runs a job up to its student. */
async function completed(id: string) {
  const job = await runner.plan(id, spec);
  const ids = job.stages.map((stage) => stage.id).filter((stage) => stage !== 'report');
  for (const stage of ids) await job.run(stage);
  const auxiliaryStage = ids.find((stage) => stage.startsWith('auxiliary')) as string;
  const teacher = job.results.teacher as TeacherResult;
  const outputs = job.results.outputs as OutputsResult;
  const auxiliary = job.results[auxiliaryStage] as AuxiliaryResult;
  const student = (job.results['student.s.1'] as StudentResult).result;
  return {
    teacher,
    outputs,
    auxiliary,
    /** Every byte that the job has computed. */
    bytes: {
      teacher: [teacher.result.best.weights.digest, teacher.result.best.logits.digest],
      outputs: await rowDigests(),
      auxiliary: auxiliary.weights.digest,
      student: [student.best.weights.digest, student.last.weights.digest, student.best.logits.digest],
    },
    reused: {
      teacher: teacher.result.reused,
      outputs: outputs.sets.every((set) => set.reused),
      auxiliary: auxiliary.reused,
    },
  };
}

/** By the names of their manifests, the digests of all rows. */
async function rowDigests(): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  for (const name of await runner.store.list('outputs')) {
    const rows = await runner.store.manifest(name, storedRowsSchema);
    digests[name] = rows?.digest ?? 'damaged';
  }
  return digests;
}

const outputsName = () => Object.keys(first.bytes.outputs)[0];
const outputsBlob = () => blobFile(runner.store, Object.values(first.bytes.outputs)[0]);
const teacherBlob = () => blobFile(runner.store, first.teacher.result.best.weights.digest);
const auxiliaryBlob = () => blobFile(runner.store, first.auxiliary.weights.digest);

/** Changes one digit of a manifest, so that it is still JSON of the right form. */
async function changeDigit(name: string, key: string): Promise<void> {
  const path = manifestFile(runner.store, name);
  const field = `"${key}":`;
  const at = (await readFile(path)).indexOf(field);
  expect(at).toBeGreaterThan(0);
  await flipByte(path, at + field.length);
  JSON.parse(await readFile(path, 'utf8'));
}

const reusedAll = { teacher: true, outputs: true, auxiliary: true };

test.each<[string, () => Promise<void>, Partial<typeof reusedAll>]>([
  ['nothing', async () => {}, {}],
  ['one bit of stored outputs', () => flipByte(outputsBlob(), 40), { outputs: false }],
  ['stored outputs that were cut short', () => truncate(outputsBlob(), 10), { outputs: false }],
  ['stored outputs that are gone', () => rm(outputsBlob()), { outputs: false }],
  ['a digit of the manifest of outputs', () => changeDigit(outputsName(), 'rows'), { outputs: false }],
  ['one bit of the weights of the teacher', () => flipByte(teacherBlob(), -1), { teacher: false }],
  ['weights of the teacher that are gone', () => rm(teacherBlob()), { teacher: false }],
  [
    'a digit of the manifest of the teacher',
    () => changeDigit(first.teacher.address, 'parameters'),
    { teacher: false },
  ],
  [
    'a manifest of the teacher that was cut short',
    () => truncate(manifestFile(runner.store, first.teacher.address), 100),
    { teacher: false },
  ],
  ['one bit of an auxiliary network', () => flipByte(auxiliaryBlob(), -1), { auxiliary: false }],
  [
    'a digit of the manifest of an auxiliary network',
    () => changeDigit(first.auxiliary.address, 'size'),
    { auxiliary: false },
  ],
])('damaged: %s', { timeout: 240_000 }, async (what, damage, rebuilt) => {
  await damage();
  runner.warnings.length = 0;
  const second = await completed(`job_${what.replaceAll(' ', '_')}`);
  expect(second.reused).toEqual({ ...reusedAll, ...rebuilt });
  expect(second.bytes).toEqual(first.bytes);
  if (what.includes('manifest')) expect(runner.warnings[0]).toMatch(/is damaged and counts as absent/);
  else expect(runner.warnings).toEqual([]);
  const { teacher, outputs, auxiliary } = second.bytes;
  for (const digest of [...teacher, ...Object.values(outputs), auxiliary]) {
    expect(await isIntact(runner.store, digest)).toBe(true);
  }
});

/** What a running job sees: an artifact is lost after its stage has succeeded, and before another stage reads it. */
test.each<[string, string, () => Promise<void>, string[]]>([
  ['stored outputs that are gone', 'student.s.1', () => rm(outputsBlob()), ['outputs']],
  ['one bit of stored outputs', 'student.s.1', () => flipByte(outputsBlob(), 40), ['outputs']],
  ['manifests of outputs that are gone', 'student.s.1', removeManifests, ['outputs']],
  ['weights of the teacher that are gone', 'outputs', () => rm(teacherBlob()), ['teacher']],
  ['one bit of an auxiliary network', 'student.s.1', () => flipByte(auxiliaryBlob(), -1), ['auxiliary']],
  [
    'both weights and outputs',
    'student.s.1',
    async () => {
      await rm(teacherBlob());
      await rm(outputsBlob());
    },
    ['teacher', 'outputs'],
  ],
])('lost within a job: %s', { timeout: 240_000 }, async (what, reader, damage, kinds) => {
  const job = await runner.plan(`job_lost_${what.replaceAll(' ', '_')}`, spec);
  const before = job.stages.slice(
    0,
    job.stages.findIndex(({ id }) => id === reader),
  );
  const ordered = before.filter(({ kind }) => kind !== 'student').sort((a) => (a.id === 'teacher' ? -1 : 1));
  for (const { id } of ordered) await job.run(id);
  await damage();
  const failure = await job.run(reader).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(LostArtifacts);
  const { stages, code } = failure as LostArtifacts;
  expect(code).toBe('artifact_corrupt');
  expect(stages.map((id) => job.stages.find((stage) => stage.id === id)?.kind)).toEqual(kinds);
  for (const id of stages) await job.run(id);
  await job.run(reader);
  expect(await rowDigests()).toEqual(first.bytes.outputs);
  if (reader !== 'student.s.1') return;
  const { best } = (job.results[reader] as StudentResult).result;
  expect(best.weights.digest).toBe(first.bytes.student[0]);
});

async function removeManifests(): Promise<void> {
  for (const name of await runner.store.list('outputs')) await runner.store.removeManifest(name);
}
