import { decodeSafetensors } from '@distillery/formats';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobSpec } from '../kinds.ts';
import { planJob } from '../planning/plan.ts';
import { StopTraining } from '../training-run.ts';
import type { AuxiliaryResult } from './auxiliary.ts';
import type { StudentResult } from './student.ts';
import { stageRunner } from '../testing/stages.ts';

let runner: Awaited<ReturnType<typeof stageRunner>>;
beforeAll(async () => {
  runner = await stageRunner();
});
afterAll(() => runner.remove());

const student = (name: string, epochs: number) => ({
  name,
  architecture: { type: 'lightnn' },
  method: [{ type: 'factor', epochs }, { type: 'cross_entropy' }],
});
/** 96 images, 3 steps an epoch. */
const spec = (seed: number, students = [student('one', 4)], rest: object = {}) =>
  jobSpec.parse({
    dataset: { source: 'shapes', trainCount: 96, testCount: 20 },
    teacher: { architecture: { type: 'lightnn' }, training: { seed } },
    students,
    training: { epochs: 2, batchSize: 32, augmentation: { type: 'flip', views: 2 } },
    baseline: false,
    validation: 0,
    ...rest,
  });
const context = { cacheDir: '', roots: [] };

const auxiliariesOf = (stages: readonly { id: string; kind: string }[]) =>
  stages.filter(({ kind }) => kind === 'auxiliary').map(({ id }) => id);

test('students and seeds that ask for the same network share its stage', async () => {
  const three = [student('one', 4), student('two', 4), student('three', 5)];
  const {
    resolved: { stages },
  } = await planJob(spec(1, three, { seeds: [1, 2] }), context);
  const found = auxiliariesOf(stages);
  expect(found.length).toBe(2);
  for (const stage of stages) {
    if (stage.kind === 'auxiliary') expect(stage).toMatchObject({ needs: ['outputs'] });
    if (stage.kind !== 'student') continue;
    expect(stage.needs).toEqual(['outputs', stage.networks?.[0].name === 'three' ? found[1] : found[0]]);
  }
  expect(stages.at(-1)?.needs).toEqual(expect.arrayContaining(found));
});

test('it learns, resumes with the same bytes, and is reused', { timeout: 300_000 }, async () => {
  const whole = await runner.plan('job_whole', spec(1));
  const [id] = auxiliariesOf(whole.stages);
  for (const stage of ['teacher', 'outputs']) await whole.run(stage);
  const { rows } = await whole.run(id);
  const means = rows.flatMap(({ values }) => values.epoch_reconstruction ?? []);
  expect(means.length).toBe(4);
  expect(means[3]).toBeLessThan(means[0]);
  const result = whole.results[id] as AuxiliaryResult;
  expect(result).toMatchObject({ reused: false, reconstruction: means[3] });

  // What another job makes of the same is taken; the manifest gone, it is trained anew.
  const again = await runner.plan('job_again', spec(1));
  for (const stage of ['teacher', 'outputs', id]) await again.run(stage);
  expect(again.results[id]).toEqual({ ...result, reused: true });
  for (const name of await runner.store.list('auxiliaries')) await runner.store.removeManifest(name);
  let steps = 0;
  const stopped = again.run(id, async () => {
    if (++steps === 5) throw new StopTraining();
  });
  await expect(stopped).rejects.toBeInstanceOf(StopTraining);
  const resumed = await again.run(id);
  expect(resumed.rows[0]).toMatchObject({ epoch: 2 });
  expect(again.results[id]).toEqual(result);
});

test('a student is trained with it, and leaves it as it is', { timeout: 300_000 }, async () => {
  const job = await runner.plan('job_student', spec(1, [student('one', 4), student('two', 3)]));
  for (const { id } of job.stages) {
    if (id === 'report') break;
    await job.run(id, async () => {});
    if (!id.startsWith('student.one')) continue;
    const { losses } = (job.results[id] as StudentResult).result;
    expect(losses.factor).toBeGreaterThan(0);
    const name = (await runner.store.list(`jobs/job_student/${id}/checkpoints`)).at(-1);
    const { blob } = (await runner.store.manifest(name ?? '')) as { blob: string };
    const { tensors } = decodeSafetensors(await runner.store.read(blob));
    const before = job.results[auxiliariesOf(job.stages)[0]] as AuxiliaryResult;
    const pretrained = decodeSafetensors(await runner.store.read(before.weights.digest)).tensors;
    const bias = 'encoder.0.conv.bias';
    expect(tensors.get(`auxiliaries:factor:paraphraser:${bias}`)?.data).toEqual(pretrained.get(bias)?.data);
    expect(tensors.get(`auxiliaries:factor:paraphraser:decoder.0.conv.bias`)).toBeUndefined();
    expect([...tensors.keys()].some((key) => key.startsWith('slots:') && key.includes('paraphraser'))).toBe(
      false,
    );
  }
  await job.run('report');
});

test('of a student that teaches there is one for each seed', async () => {
  const taught = { ...student('two', 4), teacher: 'one' };
  const first = {
    name: 'one',
    architecture: { type: 'lightnn' },
    method: [{ type: 'soft_target' }],
    teacher: 'teacher',
  };
  const {
    resolved: { stages },
  } = await planJob(spec(1, [first, taught] as never, { seeds: [1, 2] }), context);
  const found = stages.filter(({ kind }) => kind === 'auxiliary');
  expect(found.map(({ needs, seed }) => [needs, seed])).toEqual([
    [['outputs.one.1'], 1],
    [['outputs.one.2'], 2],
  ]);
});

test('peers, who teach while they learn, cannot have one', async () => {
  const rest = { procedure: 'mutual', teacher: undefined };
  await expect(planJob(spec(1, [student('one', 4), student('two', 4)], rest), context)).rejects.toMatchObject(
    {
      code: 'invalid_spec',
      fields: [
        {
          path: '/students/0/method',
          message: 'needs a teacher that has finished training, but peers train together',
        },
        { path: '/students/1/method' },
      ],
    },
  );
});
