import type { Report } from '@distillery/spec';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jobSpec } from '../kinds.ts';
import { stageRunner } from '../testing/stages.ts';

let runner: Awaited<ReturnType<typeof stageRunner>>;
beforeAll(async () => {
  runner = await stageRunner();
});
afterAll(() => runner.remove());

test('networks that a job describes layer by layer teach and learn by their own taps', {
  timeout: 300_000,
}, async () => {
  const teacher = {
    type: 'layers',
    layers: [
      { layer: 'conv2d', name: 'c1', filters: 8, kernel_size: 3, padding: 'same', activation: 'relu' },
      { layer: 'batch_normalization' },
      { layer: 'max_pooling2d', name: 'p1' },
      { layer: 'conv2d', name: 'c2', filters: 8, kernel_size: 3, padding: 'same', activation: 'relu' },
      { layer: 'add', name: 'sum', inputs: ['c2', 'p1'] },
      { layer: 'global_average_pooling2d' },
      { layer: 'dropout', rate: 0.1 },
    ],
    classifier: true,
  };
  const keras = [
    { class_name: 'Conv2D', config: { name: 'conv', filters: 4, kernel_size: [5, 5], strides: [2, 2] } },
    { class_name: 'ReLU', config: { name: 'relu', max_value: 6 } },
    { class_name: 'Flatten', config: { name: 'flat' } },
    { class_name: 'Dense', config: { name: 'scores', units: 10, activation: 'softmax' } },
  ];
  const learn = [{ type: 'soft_target' }, { type: 'cross_entropy' }];
  const spec = jobSpec.parse({
    dataset: { source: 'shapes', trainCount: 150, testCount: 50 },
    teacher: { architecture: teacher },
    students: [
      {
        name: 'perceptron',
        architecture: { type: 'mlp', hidden: [16, 8], batchNorm: true, dropout: 0.1 },
        method: [{ type: 'correlation', student: 'hidden1' }, ...learn],
      },
      {
        name: 'keras',
        architecture: { type: 'layers', layers: keras },
        method: [{ type: 'attention', student: 'relu', teacher: 'sum' }, ...learn],
      },
    ],
    training: { epochs: 1, batchSize: 67 },
  });
  const job = await runner.plan('job_own', spec);
  for (const { id } of job.stages) await job.run(id);
  const { report } = job.results.report as { report: Report };
  const run = (name: string) => report.students.find((student) => student.name === name)?.runs[0];
  for (const [name, term, control] of [
    ['perceptron', 'correlation', 'control-mlp'],
    ['keras', 'attention', 'control-layers'],
  ]) {
    expect(run(name)?.losses[term]).toBeGreaterThan(0);
    expect(run(name)?.last.weights.digest).not.toBe(run(control)?.last.weights.digest);
  }
  expect(report.teachers[0].terms[0].gradientNorm).toBeGreaterThan(0);
});
