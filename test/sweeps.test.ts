import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { JobSpecInput, NewSweepInput, SweepView } from '@distillery/spec';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type Service, startService } from './testing/service.ts';

const example = JSON.parse(
  /```json\n([^]*?)```/.exec(readFileSync(resolve(import.meta.dirname, '../docs/sweeps.md'), 'utf8'))?.[1] ??
    '',
) as NewSweepInput;

let service: Service;
beforeAll(async () => {
  service = await startService({ workers: 2 });
}, 60_000);
afterAll(() => service?.close(), 60_000);

const job: JobSpecInput = {
  dataset: { source: 'shapes', trainCount: 200, testCount: 60 },
  teacher: { architecture: { type: 'lightnn' }, training: { epochs: 1 } },
  students: [
    {
      name: 'small',
      architecture: { type: 'lightnn' },
      method: [{ type: 'soft_target', temperature: 2 }, { type: 'cross_entropy' }],
    },
  ],
  seeds: [1, 2],
  training: { epochs: 2, batchSize: 50 },
  validation: 0.2,
};

/** The stages of a kind of all jobs of a sweep that trained, rather than found their result. */
async function trained(sweep: SweepView, student: string): Promise<number> {
  const reports = await Promise.all(
    sweep.trials.flatMap(({ jobs }) => jobs.map(({ id }) => service.client.jobs.report(id))),
  );
  return reports
    .flatMap(({ students, teachers }) => [
      ...students.filter(({ name }) => name === student).flatMap(({ runs }) => runs),
      ...teachers.filter(({ name }) => name === student),
    ])
    .filter(({ reused }) => !reused).length;
}

/** Runs the command line as docs/sweeps.md has it. */
async function distill(...args: string[]): Promise<string> {
  const main = join(inject('built'), 'apps/cli/source/main.js');
  const env = { ...process.env, DISTILLERY_URL: service.url, NO_COLOR: '1' };
  return (await promisify(execFile)(process.execPath, [main, ...args], { env })).stdout;
}

test('the example of the page: a grid shares its teacher and its controls, and its leaderboard compares seed by seed', {
  timeout: 240_000,
}, async () => {
  const given: NewSweepInput = { ...example, parallel: 3 };
  const plan = await service.client.sweeps.validate(given);
  // A teacher, its outputs, two controls, two students and a report, of which the second and third trial share four.
  expect(plan.estimate).toMatchObject({ trials: 3, jobs: 3, stages: 21, shared: 8 });
  const { id } = await service.client.sweeps.create(given);
  const sweep = await service.client.sweeps.wait(id, { interval: 200 });
  expect(sweep.state).toBe('succeeded');
  expect(sweep.trials.map(({ state, epochs }) => [state, epochs])).toEqual(Array(3).fill(['succeeded', 2]));
  expect(await trained(sweep, 'teacher')).toBe(1);
  expect(await trained(sweep, 'control')).toBe(2);
  expect(await trained(sweep, 'small')).toBe(6);
  const [first] = sweep.leaderboard;
  const report = await service.client.jobs.report(sweep.trials[first.trial - 1].jobs[0].id);
  const [control, small] = ['control', 'small'].map((name) =>
    report.students.find((one) => one.name === name),
  );
  expect(first.test?.accuracy.best).toEqual(small?.testAccuracy.best);
  const gains = small?.runs.map(
    (run, seed) => run.best.testAccuracy - (control?.runs[seed].best.testAccuracy ?? NaN),
  );
  expect(first.test?.overControl?.best.mean).toBeCloseTo(((gains?.[0] ?? NaN) + (gains?.[1] ?? NaN)) / 2, 12);
  expect(first.seeds).toBe(2);
  const validations = sweep.leaderboard.map(({ validation }) => validation.best.mean);
  expect(validations).toEqual(validations.toSorted((a, b) => b - a));
  const file = join(service.folder, 'sweep.json');
  writeFileSync(file, JSON.stringify(example));
  expect(await distill('sweeps', 'validate', file)).toContain(
    '3 trials in at most 3 jobs with 21 stages, of which trials share 8',
  );
  expect(await distill('sweeps')).toMatch(new RegExp(`${id}  temperatures  succeeded  grid +3 of 3`));
  const shown = await distill('sweeps', 'show', id);
  expect(shown).toContain(`${id} succeeded  temperatures  trials: 3 succeeded`);
  expect(shown).toMatch(new RegExp(`1 +${first.trial} `));
  expect(shown).toContain('mean ± standard deviation over 2 seeds');
  // Jobs are found by their labels, and go with the sweep.
  const jobs = await service.client.jobs.list({ labels: { sweep: id } }).toArray();
  expect(new Set(jobs.map(({ name }) => name))).toEqual(
    new Set([1, 2, 3].map((n) => `temperatures · trial ${n}`)),
  );
  await service.client.sweeps.delete(id);
  expect(await service.client.jobs.list({ labels: { sweep: id } }).toArray()).toEqual([]);
  await expect(service.client.sweeps.get(id)).rejects.toMatchObject({ code: 'sweep_not_found' });
});

test('halving goes on from where trials have stopped, and compares each with a control of as many epochs', {
  timeout: 240_000,
}, async () => {
  const { id } = await service.client.sweeps.create({
    job: { ...job, seeds: [1], training: { ...job.training, epochs: 4 } },
    // The optimizer is that of the defaults.
    over: { '/training/optimizer/learningRate': { logUniform: [0.0001, 0.01] } },
    search: { type: 'halving', trials: 4, minimumEpochs: 1, factor: 2 },
  });
  const sweep = await service.client.sweeps.wait(id, { interval: 200 });
  expect(sweep.rungs).toEqual([1, 2, 4]);
  const states = sweep.trials.map(({ state }) => state);
  expect(states).toContain('succeeded');
  expect(states).toContain('stopped');
  for (const { epochs, jobs } of sweep.trials) {
    expect(jobs.map(({ until }) => until)).toEqual([1, 2, 4].filter((rung) => rung <= epochs));
    for (const [index, { id: one, until }] of jobs.entries()) {
      const { metrics } = await service.client.jobs.metrics(one, { stage: 'student.small.1' }).page();
      const completed = metrics.filter(({ values }) => 'tensors' in values).map(({ epoch }) => epoch);
      const from = index === 0 ? 0 : jobs[index - 1].until;
      expect(completed).toEqual(Array.from({ length: until - from }, (_, i) => from + i + 1));
      const { students } = await service.client.jobs.report(one);
      expect(students.map(({ runs }) => runs[0].epochs)).toEqual([until, until]);
    }
  }
  // Four trials, then two, then one: each has a learning rate of its own, and so has its control.
  expect(await trained(sweep, 'control')).toBe(7);
  const [best] = sweep.leaderboard;
  expect([best.epochs, best.stopped]).toEqual([4, false]);
  const epochs = sweep.leaderboard.map((entry) => entry.epochs);
  expect(epochs).toEqual(epochs.toSorted((a, b) => b - a));
});

test('a sweep pauses, resumes and is cancelled with its jobs', { timeout: 120_000 }, async () => {
  const { id } = await service.client.sweeps.create({
    job: { ...job, training: { ...job.training, epochs: 500 } },
    over: { '/students/0/method/0/temperature': { values: [1, 2, 3, 4, 5] } },
    parallel: 2,
  });
  const until = async (holds: (view: SweepView, states: string[]) => boolean) => {
    for await (const view of service.client.sweeps.watch(id, { interval: 200 })) {
      const ids = view.trials.flatMap(({ jobs }) => jobs.map((one) => one.id));
      const states = await Promise.all(ids.map(async (one) => (await service.client.jobs.get(one)).state));
      if (holds(view, states)) return;
    }
    throw new Error('the sweep has ended');
  };
  await until((_, states) => states.length === 2 && states.includes('running'));
  expect((await service.client.sweeps.pause(id)).state).toBe('paused');
  await until((_, states) => states.every((state) => state === 'paused'));
  expect((await service.client.sweeps.resume(id)).state).toBe('running');
  await until((_, states) => states.includes('running'));
  expect((await service.client.sweeps.cancel(id)).state).toBe('cancelling');
  const ended = await service.client.sweeps.wait(id, { interval: 200 });
  expect(ended.state).toBe('cancelled');
  expect(new Set(ended.trials.map(({ state }) => state))).toEqual(new Set(['cancelled']));
  await expect(service.client.sweeps.resume(id)).rejects.toMatchObject({ code: 'state_conflict' });
});

test('a trial that fails is listed with its code, and the others go on', { timeout: 120_000 }, async () => {
  const { id } = await service.client.sweeps.create({
    job: { ...job, seeds: [1], training: { ...job.training, epochs: 1 } },
    over: { '/limits/maxDurationSeconds': { values: [3600, 1] } },
  });
  const sweep = await service.client.sweeps.wait(id, { interval: 200 });
  expect(sweep.state).toBe('succeeded');
  expect(sweep.trials.map(({ state }) => state)).toEqual(['succeeded', 'failed']);
  expect(sweep.trials[1].reason?.code).toBe('timeout');
  expect(sweep.leaderboard.map(({ trial }) => trial)).toEqual([1]);
});
