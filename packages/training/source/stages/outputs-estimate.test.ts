import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobSpec } from '../kinds.ts';
import { planJob } from '../planning/plan.ts';
import { stageRunner } from '../testing/stages.ts';
import type { OutputsResult } from './outputs.ts';

let runner: Awaited<ReturnType<typeof stageRunner>>;
beforeAll(async () => {
  runner = await stageRunner();
});
afterAll(() => runner.remove());

const logits = [{ type: 'soft_target' }, { type: 'cross_entropy' }];
const maps = [{ type: 'hint' }, { type: 'cross_entropy' }];
const student = (name: string, method: object[], augmentation: object, rest = {}) => ({
  name,
  architecture: { type: 'lightnn' },
  method,
  training: { augmentation },
  ...rest,
});

test('the plan estimates exactly the bytes of teacher outputs that the stages store', {
  timeout: 240_000,
}, async () => {
  const spec = jobSpec.parse({
    dataset: { source: 'shapes', trainCount: 100, testCount: 20 },
    teacher: { architecture: { type: 'lightnn' } },
    students: [
      // One augmentation with different views and taps: one set, with the most of both.
      student('two', logits, { type: 'flip', views: 2 }),
      student('three', maps, { type: 'flip', views: 3 }),
      // Without an augmentation neither seed nor views make a difference.
      student('plain', logits, { type: 'none', seed: 1 }),
      student('other', logits, { type: 'none', seed: 2, views: 9 }),
      student('taught', logits, { type: 'none' }, { teacher: 'plain' }),
    ],
    seeds: [1, 2],
    baseline: false,
    training: { epochs: 3, batchSize: 32 },
  });
  const job = await runner.plan('job_estimate', spec);
  const needed = ['teacher', 'outputs', 'student.plain.1', 'student.plain.2'];
  const later = job.stages.filter(({ kind, id }) => kind === 'outputs' && !needed.includes(id));
  expect(later).toHaveLength(2);
  for (const id of [...needed, ...later.map((stage) => stage.id)]) await job.run(id);
  const stored = ['outputs', ...later.map(({ id }) => id)].flatMap(
    (id) => (job.results[id] as OutputsResult).sets,
  );
  expect(stored.map(({ augmentation, views, taps }) => [augmentation, views, taps.length])).toEqual([
    ['flip', 3, 2],
    ['none', 1, 1],
    ['none', 1, 1],
    ['none', 1, 1],
  ]);
  const { plan } = await planJob(spec, { cacheDir: '', roots: [] });
  expect(plan.estimate.outputsBytes).toBe(stored.reduce((sum, { bytes }) => sum + bytes, 0));
});
