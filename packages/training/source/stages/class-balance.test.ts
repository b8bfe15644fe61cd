import { randomStream } from '@distillery/engine';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Report } from '@distillery/spec';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobSpec } from '../kinds.ts';
import { stageRunner } from '../testing/stages.ts';
import { StopTraining } from '../training-run.ts';
import type { StudentResult } from './student.ts';

let folder: string;
let runner: Awaited<ReturnType<typeof stageRunner>>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-balance-'));
  await writeFile(join(folder, 'train.csv'), rows('train', 285, 15));
  await writeFile(join(folder, 'test.csv'), rows('test', 200, 200));
  runner = await stageRunner([folder]);
});
afterAll(async () => {
  await runner.remove();
  await rm(folder, { recursive: true, force: true });
});

/** Numbers around −1 and around 1, which overlap: where one class is rare, the best guess is mostly the other. */
function rows(split: string, common: number, rare: number): string {
  const stream = randomStream(3, 'balance', split);
  const lines = Array.from({ length: common + rare }, (_, at) => {
    const isRare = at >= common;
    const noise = Array.from({ length: 4 }, () => stream.uniform()).reduce((a, b) => a + b, 0) - 2;
    return `${(isRare ? 1 : -1) + 1.7 * noise},${isRare ? 'rare' : 'common'}`;
  });
  return `x,label\n${lines.join('\n')}\n`;
}

const plan = (id: string, training: object) =>
  runner.plan(
    id,
    jobSpec.parse({
      dataset: { source: 'table', path: 'train.csv', testPath: 'test.csv' },
      teacher: { architecture: { type: 'mlp', hidden: [8] } },
      students: [
        {
          name: 'small',
          architecture: { type: 'mlp', hidden: [4] },
          method: [{ type: 'soft_target' }, { type: 'cross_entropy' }],
        },
      ],
      validation: 0,
      training: { epochs: 20, batchSize: 32, optimizer: { type: 'adam', learningRate: 0.02 }, ...training },
    }),
  );

test('a rare class is found more often by balanced sampling, and by class weights', {
  timeout: 300_000,
}, async () => {
  const accuracies: Record<string, [number, number]> = {};
  for (const [name, training] of Object.entries({
    plain: {},
    sampling: { sampling: 'balanced' },
    weights: { classWeights: 'balanced' },
  })) {
    const job = await plan(`job_${name}`, training);
    for (const stage of job.stages) await job.run(stage.id);
    const { report } = job.results.report as { report: Report };
    const [control] = report.students.filter((student) => student.control === null);
    accuracies[name] = [report.teachers[0].last.testAccuracy, control.runs[0].last.testAccuracy];
  }
  for (const name of ['sampling', 'weights']) {
    for (const network of [0, 1]) {
      expect(accuracies[name][network]).toBeGreaterThan(accuracies.plain[network] + 0.03);
    }
  }
});

test('a balanced run that was stopped and resumed ends with the same bytes', {
  timeout: 300_000,
}, async () => {
  const training = { sampling: 'balanced', classWeights: 'balanced', epochs: 4 };
  const [whole, cut] = [await plan('job_whole', training), await plan('job_cut', training)];
  for (const job of [whole, cut]) {
    await job.run('teacher');
    await job.run('outputs');
  }
  const weightsOf = ({ results }: typeof whole) =>
    (results['student.small.42'] as StudentResult).result.last.weights;
  await whole.run('student.small.42');
  // Within an epoch, and between two.
  for (const stopAfter of [2, 4]) {
    let pauses = 0;
    const stopped = cut.run('student.small.42', async () => {
      if (++pauses >= stopAfter) throw new StopTraining('stop');
    });
    await expect(stopped).rejects.toBeInstanceOf(StopTraining);
  }
  await cut.run('student.small.42');
  expect(weightsOf(cut)).toEqual(weightsOf(whole));
});
