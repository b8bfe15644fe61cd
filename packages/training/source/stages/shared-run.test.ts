import type { JobSpecInput } from '@distillery/spec';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobSpec } from '../kinds.ts';
import { stageRunner } from '../testing/stages.ts';
import type { StudentResult } from './student.ts';

let runner: Awaited<ReturnType<typeof stageRunner>>;
beforeAll(async () => {
  runner = await stageRunner();
});
afterAll(() => runner.remove());

let jobs = 0;
/** Runs every stage of a job. */
async function ran(over: Partial<JobSpecInput>) {
  const spec = jobSpec.parse({
    dataset: { source: 'shapes', trainCount: 120, testCount: 40 },
    teacher: { architecture: { type: 'lightnn' } },
    students: [
      {
        name: 'small',
        architecture: { type: 'lightnn', dropout: 0.2 },
        method: [
          { type: 'soft_target', temperature: { schedule: 'linear', from: 4, to: 1, epochs: 4 } },
          { type: 'contrastive', queue: 50, weight: 'auto' },
          { type: 'cross_entropy' },
        ],
      },
    ],
    seeds: [3],
    training: {
      epochs: 4,
      batchSize: 32,
      schedule: { type: 'cosine' },
      augmentation: { type: 'crop_flip', views: 2 },
    },
    validation: 0.2,
    ...over,
  });
  const job = await runner.plan(`job_${++jobs}`, spec);
  const rows = new Map<string, number[]>();
  for (const { id } of job.stages) {
    const reported = await job.run(id);
    rows.set(
      id,
      reported.rows.filter(({ values }) => 'tensors' in values).map(({ epoch }) => epoch),
    );
  }
  const resultOf = (name: string) => job.results[`student.${name}.3`] as StudentResult;
  const epochsOf = (name: string) => rows.get(`student.${name}.3`);
  return { small: resultOf('small'), control: resultOf('control'), epochsOf };
}
const weightsOf = ({ result: { best, last } }: StudentResult) => [best.weights.digest, last.weights.digest];

test('a run that stops at an epoch and goes on in later jobs ends as one that never stopped', {
  timeout: 240_000,
}, async () => {
  const whole = await ran({});
  const first = await ran({ until: 1 });
  expect(first.small.result).toMatchObject({ epochs: 1, last: { epoch: 1 }, best: { epoch: 1 } });
  expect(first.epochsOf('small')).toEqual([1]);
  const second = await ran({ until: 3 });
  expect([second.epochsOf('small'), second.epochsOf('control')]).toEqual([
    [2, 3],
    [2, 3],
  ]);
  // Other settings: nothing of the runs above can be used.
  const other = await ran({ until: 2, validation: { fraction: 0.2, seed: 9 } });
  expect(other.epochsOf('small')).toEqual([1, 2]);
  const third = await ran({ until: 4 });
  expect([third.epochsOf('small'), third.epochsOf('control')]).toEqual([[4], [4]]);
  expect(weightsOf(third.small)).toEqual(weightsOf(whole.small));
  expect(weightsOf(third.control)).toEqual(weightsOf(whole.control));
  expect(third.small.result.last.validationAccuracy).toBe(whole.small.result.last.validationAccuracy);
  // Without `until`, a job trains from the start.
  expect((await ran({})).epochsOf('small')).toEqual([1, 2, 3, 4]);
});

test('a lower `until` does not begin from a later state', { timeout: 120_000 }, async () => {
  const seed = { validation: { fraction: 0.2, seed: 5 } };
  await ran({ until: 3, ...seed });
  const lower = await ran({ until: 2, ...seed });
  expect(lower.epochsOf('small')).toEqual([1, 2]);
});

test('a shared control is trained once, whatever the students learn', { timeout: 120_000 }, async () => {
  const one = await ran({ baseline: 'shared' });
  expect([one.control.result.reused, one.epochsOf('control')]).toEqual([false, [1, 2, 3, 4]]);
  const method = [{ type: 'cross_entropy' }, { type: 'soft_target', temperature: 2 }];
  const students = [{ name: 'small', architecture: { type: 'lightnn', dropout: 0.2 }, method }];
  const two = await ran({ baseline: 'shared', students });
  expect([two.control.result.reused, two.epochsOf('control')]).toEqual([true, []]);
  expect(weightsOf(two.control)).toEqual(weightsOf(one.control));
  expect(two.epochsOf('small')).toEqual([1, 2, 3, 4]);
  // A damaged result counts as absent.
  await runner.store.remove(one.control.result.last.weights.digest);
  const three = await ran({ baseline: 'shared', students });
  expect([three.control.result.reused, weightsOf(three.control)]).toEqual([false, weightsOf(one.control)]);
});
