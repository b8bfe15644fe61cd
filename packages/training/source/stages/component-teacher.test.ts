import { terms } from '@distillery/methods';
import type { Report } from '@distillery/spec';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { componentKinds } from '../components/index.ts';
import { jobSpec } from '../kinds.ts';
import { average, towardsAverage } from '../testing/average-teacher.ts';
import { stageRunner } from '../testing/stages.ts';
import { StopTraining } from '../training-run.ts';

let runner: Awaited<ReturnType<typeof stageRunner>>;
beforeAll(async () => {
  componentKinds.add(average);
  terms.add(towardsAverage);
  runner = await stageRunner();
});
afterAll(() => runner.remove());

const lightnn = { type: 'lightnn' };
const method = [{ type: 'towards_average' }, { type: 'cross_entropy' }];
const spec = {
  dataset: { source: 'shapes', trainCount: 60, testCount: 20 },
  training: { epochs: 2, batchSize: 16, optimizer: { type: 'sgd' } },
};

test('a term whose teacher is a component reads no stored outputs, learns, and resumes with the same bytes', {
  timeout: 120_000,
}, async () => {
  // The teacher is wider: what the term binds to are the student's own taps.
  const parsed = jobSpec.parse({
    ...spec,
    teacher: { architecture: { type: 'deepnn' } },
    students: [{ name: 'own', architecture: lightnn, method }],
  });
  const job = await runner.plan('job_average', parsed);
  await job.run('teacher');
  await job.run('outputs');
  expect(job.results.outputs).toMatchObject({ sets: [] });
  for (const { id } of job.stages.slice(2)) await job.run(id);
  const { report } = job.results.report as { report: Report };
  const [control, own] = report.students.map(({ runs }) => runs[0]);
  expect(own.losses.towards_average).toBeGreaterThan(0);
  expect(own.last.weights.digest).not.toBe(control.last.weights.digest);

  const again = await runner.plan('job_average_again', parsed);
  Object.assign(again.results, { teacher: job.results.teacher, outputs: job.results.outputs });
  let steps = 0;
  const stopped = again.run('student.own.42', async () => {
    if (++steps === 3) throw new StopTraining();
  });
  await expect(stopped).rejects.toBeInstanceOf(StopTraining);
  await again.run('student.own.42');
  const { result } = again.results['student.own.42'] as { result: typeof own };
  expect(result.last.weights).toEqual(own.last.weights);
});

test('of peers each learns from its own component, once', { timeout: 120_000 }, async () => {
  const names = ['a', 'b', 'c'];
  const job = await runner.plan(
    'job_peers',
    jobSpec.parse({
      ...spec,
      procedure: 'mutual',
      baseline: false,
      students: names.map((name) => ({
        name,
        architecture: lightnn,
        method: [...method, { type: 'soft_target' }],
      })),
    }),
  );
  for (const { id } of job.stages) await job.run(id);
  const { report } = job.results.report as { report: Report };
  for (const { name, runs } of report.students) {
    const others = names.filter((other) => other !== name);
    const shares = others.map((other) => `soft_target/${other}`);
    expect(Object.keys(runs[0].losses)).toEqual(['towards_average', 'cross_entropy', ...shares]);
    expect(runs[0].losses.towards_average).toBeGreaterThan(0);
  }
});
