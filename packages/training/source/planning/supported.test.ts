import { tmpdir } from 'node:os';
import { DistilleryError } from '@distillery/spec';
import { beforeAll, expect, test } from 'vitest';
import { jobSpec } from '../kinds.ts';
import { stageKinds } from '../stages/index.ts';
import { runStage, type StageTask } from '../stages/run-stage.ts';
import { version } from '../version.ts';
import { planJob } from './plan.ts';
import { supportedSpec } from './supported.ts';

const spec = jobSpec.parse({
  dataset: { source: 'shapes', trainCount: 100, testCount: 20 },
  teacher: { architecture: { type: 'lightnn' } },
  students: [{ name: 'small', architecture: { type: 'lightnn' }, method: [{ type: 'soft_target' }] }],
});
let plan: StageTask['plan'];
beforeAll(async () => {
  plan = { ...(await planJob(spec, { cacheDir: tmpdir(), roots: [] })).resolved, distillery: '9.9.9' };
});

function refusal(changed: object, planned = plan): DistilleryError {
  try {
    supportedSpec({ ...spec, ...changed }, planned, stageKinds.list);
  } catch (error) {
    if (error instanceof DistilleryError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}
const why = `this worker is version ${version}, the job was planned by 9.9.9: `;

test('a stored spec is read back unchanged', () => {
  const stored: unknown = JSON.parse(JSON.stringify(spec));
  expect(supportedSpec(stored, plan, stageKinds.list)).toEqual(spec);
});

test.each([
  ['a field of the job', { foo: 1 }, 'unknown field /foo'],
  ['a field further down', { training: { ...spec.training, warp: 9 } }, 'unknown field /training/warp'],
  ['a value', { procedure: 'telepathy' }, /^field \/procedure: /],
])('%s that this version does not know is named', (_, changed, message) => {
  const error = refusal(changed);
  expect(error).toMatchObject({ code: 'unsupported_job', retryable: true });
  expect(error.message.slice(0, why.length)).toBe(why);
  expect(error.message.slice(why.length)).toEqual(
    typeof message === 'string' ? message : expect.stringMatching(message),
  );
});

test('a plan of another version and an unknown stage kind are named', () => {
  expect(refusal({}, { ...plan, version: 99 }).message).toBe(`${why}its plan has version 99, expected 1`);
  const stages = plan.stages.map((stage) => (stage.id === 'report' ? { ...stage, kind: 'poem' } : stage));
  expect(refusal({}, { ...plan, stages }).message).toBe(`${why}unknown stage kind poem of report`);
});

test('a stage is refused before it runs', async () => {
  const task = {
    job: { id: 'job_x', name: null, spec: { ...spec, foo: 1 } },
    plan,
    stage: 'teacher',
    results: {},
  };
  // Without a store and an engine it could not run.
  await expect(runStage(task as unknown as StageTask)).rejects.toMatchObject({
    code: 'unsupported_job',
    message: `${why}unknown field /foo`,
  });
});
