import type { Plan } from '@distillery/spec';
import { engine } from '@distillery/queue/testing';
import { expect, test } from 'vitest';
import { privateApi, spec } from './testing/api.ts';

const held = privateApi();
const validated = async (body: object) => {
  const response = await held.post('/v1/jobs/validate', body);
  expect(response.status).toBe(200);
  return (await response.json()) as Plan;
};

test('with a worker alive, a plan has seconds for each stage: its work at the speed of the worker, and the fixed costs', async () => {
  const gigaflops = 2;
  const worker = await held.queue.workers.register({
    id: 'w',
    host: 'here',
    version: '0.1.0',
    engine: { ...engine, gigaflops },
  });
  try {
    const { stages, estimate, warnings } = await validated({ ...spec, training: { epochs: 2 } });
    expect(warnings).toEqual([]);
    const works = new Set(stages.map(({ work }) => work));
    expect(works.size).toBeGreaterThan(3);
    // Before any stage was measured, its process and its engine take 2 s to start, and its end takes half a second.
    for (const { work, seconds } of stages) expect(seconds).toBeCloseTo(2.5 + work / (gigaflops * 1e9), 9);
    const sum = stages.reduce((total, { seconds }) => total + (seconds ?? Number.NaN), 0);
    expect(estimate.seconds).toBeCloseTo(sum, 9);
    expect(estimate.gigaflops).toBe(gigaflops);
    // Ten times the epochs take ten times the work of the trainings, at the same fixed costs.
    const longer = await validated({ ...spec, training: { epochs: 20 } });
    expect(longer.estimate.seconds).toBeGreaterThan(sum);
    expect(longer.estimate.seconds).toBeLessThan(10 * sum);
  } finally {
    await worker.stop();
  }
});

test('a plan warns of settings that a run would warn of', async () => {
  const { warnings } = await validated({
    ...spec,
    training: { epochs: 3, schedule: { type: 'step', milestones: [2, 5] } },
    teacher: { ...spec.teacher, training: { optimizer: { type: 'adam', learningRate: 10 } } },
  });
  expect(warnings.filter((warning) => !warning.includes('no worker'))).toEqual([
    expect.stringMatching(/^teacher: adam moves each weight by up to the learning rate of 10 /),
    expect.stringMatching(/^teacher, control, soft: the run of 3 epochs never reaches the milestones 5:/),
  ]);
});
