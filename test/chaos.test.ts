import type { JobEvent, JobView, StageView } from '@distillery/spec';
import { expect, inject, test } from 'vitest';
import type { JobFacts } from './chaos/facts.ts';
import { ofIndexes, ofJob, ofKeys, ofStore, ofWeights } from './chaos/invariants.ts';
import { chaos, tidy } from './chaos/run.ts';

// A short run of `npm run test:chaos`, and tests that its checks can fail.

test.each(['folder', 'bucket'] as const)(
  'a minute of kills, cuts and faults of a %s breaks no promise',
  {
    timeout: 400_000,
  },
  async (store) => {
    const outcome = await chaos({
      built: inject('built'),
      seed: Number(process.env.CHAOS_SEED ?? 3),
      minutes: 0.3,
      // Also on a slow machine.
      least: { jobs: 2, faults: 6 },
      workers: 2,
      store,
      open: 3,
      most: 4,
      different: 3,
      pauseMs: [500, 2500],
      patienceMs: 240_000,
      log: () => {},
    });
    expect(outcome.violations).toEqual([]);
    expect(outcome.accepted).toBeGreaterThan(1);
    expect(Object.values(outcome.faults).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(5);
    await tidy(outcome);
  },
);

const stage: StageView = {
  id: 'teacher',
  kind: 'teacher',
  networks: [{ name: 'teacher', control: null }],
  seed: null,
  state: 'succeeded',
  waitingFor: null,
  missing: [],
  needs: [],
  attempt: 2,
  worker: 'w',
  startedAt: null,
  finishedAt: null,
  progress: null,
  reason: null,
};
const view: JobView = {
  id: 'job_x',
  name: 'x',
  labels: {},
  owner: null,
  state: 'succeeded',
  priority: 0,
  phase: null,
  waitingFor: null,
  missing: [],
  progress: 100,
  etaSeconds: null,
  reason: null,
  createdAt: '2026-01-01T00:00:00.000Z',
  startedAt: null,
  finishedAt: null,
  warnings: [],
  skippedData: [],
  stages: [stage],
};
const at = (ms: number) => ({ id: `${ms}-0`, job: 'j', time: '' });
const stageEvent = (ms: number, attempt: number, state: StageView['state'], code?: string): JobEvent => ({
  ...at(ms),
  type: 'stage',
  stage: 'teacher',
  state,
  attempt,
  worker: 'w',
  reason: code === undefined ? null : { code, message: '' },
});
const jobEvent = (ms: number, state: JobView['state']): JobEvent => ({
  ...at(ms),
  type: 'job',
  state,
  reason: null,
});
/** A job whose first worker was killed. */
const correct: JobFacts = {
  name: 'x',
  view,
  events: [
    jobEvent(1, 'queued'),
    jobEvent(2, 'running'),
    stageEvent(2, 1, 'running'),
    stageEvent(10, 1, 'queued', 'trainer_crashed'),
    stageEvent(20, 2, 'running'),
    stageEvent(30, 2, 'succeeded'),
    jobEvent(30, 'succeeded'),
  ],
  rows: [
    { stage: 'teacher', attempt: 1, at: 5 },
    { stage: 'teacher', attempt: 2, at: 25 },
  ],
  digests: { d: null },
  weights: { 'teacher 0 last': 'd' },
};

test('a correct job passes every check', () => {
  expect(ofJob(correct)).toEqual([]);
  expect(ofWeights(correct, { 'teacher 0 last': 'd' })).toEqual([]);
});

const { events } = correct;

test('a stage whose artifacts were lost may succeed again', () => {
  const again = [stageEvent(31, 2, 'queued', 'artifact_corrupt'), jobEvent(31, 'queued')];
  const ran = [stageEvent(32, 3, 'running'), stageEvent(33, 3, 'succeeded'), jobEvent(33, 'succeeded')];
  const repaired = { ...view, stages: [{ ...stage, attempt: 3 }] };
  expect(ofJob({ ...correct, events: [...events, ...again, ...ran], view: repaired })).toEqual([]);
});

test.each<[string, Partial<JobFacts>, RegExp]>([
  ['a job without an end', { view: { ...view, state: 'running' } }, /not a terminal state/],
  ['an open stage', { view: { ...view, stages: [{ ...stage, state: 'running' }] } }, /teacher is running/],
  ['a digest that does not verify', { digests: { d: 'damaged' } }, /does not verify: d: damaged/],
  ['a row of an overtaken attempt', { rows: [{ stage: 'teacher', attempt: 1, at: 25 }] }, /outside 2 to 10/],
  ['a row of an unknown attempt', { rows: [{ stage: 'teacher', attempt: 7, at: 25 }] }, /never started/],
  [
    'an event of an overtaken attempt',
    { events: [...events, stageEvent(31, 1, 'queued')] },
    /after attempt 2 started/,
  ],
  [
    'a second end',
    { events: [...events, jobEvent(31, 'succeeded')] },
    /was succeeded after it had succeeded/,
  ],
  [
    'a success too few after a loss',
    { events: [...events, stageEvent(31, 2, 'queued', 'artifact_corrupt')] },
    /has 1 success events, expected 2/,
  ],
  ['a second success', { events: [...events, stageEvent(31, 2, 'succeeded')] }, /has 2 success events/],
  [
    'a failure without an external reason',
    { events: [...events, stageEvent(31, 2, 'failed', 'nan')] },
    /failed with nan/,
  ],
])('finds %s', (_, change, message) => {
  expect(ofJob({ ...correct, ...change }).map(({ what }) => what)).toContainEqual(
    expect.stringMatching(message),
  );
});

test('finds other weights, duplicate keys, wrong indexes and files left in the store', () => {
  expect(ofWeights(correct, { 'teacher 0 last': 'e' })).toHaveLength(1);
  expect(ofWeights({ ...correct, weights: undefined }, {})).toHaveLength(1);
  const answers = ['job_a', 'job_a', 'job_b'].map((id) => ({ key: 'k', id }));
  expect(ofKeys(answers)).toHaveLength(1);
  const none = {
    queued: [],
    running: [],
    pausing: [],
    paused: [],
    cancelling: [],
    succeeded: [],
    failed: [],
    cancelled: [],
  };
  const jobs = [{ id: 'job_a', state: 'succeeded' as const }];
  expect(ofIndexes(jobs, { ...none, succeeded: ['job_a'] })).toEqual([]);
  expect(ofIndexes(jobs, none)).toHaveLength(1);
  expect(ofIndexes(jobs, { ...none, succeeded: ['job_a'], running: ['job_a', 'job_c'] })).toHaveLength(2);
  expect(ofStore({ checkpoints: [], digests: { d: null }, unfinished: [], unnamed: [] })).toEqual([]);
  expect(
    ofStore({
      checkpoints: ['jobs/x'],
      digests: { d: 'gone' },
      unfinished: ['incoming/y'],
      unnamed: ['e'],
    }),
  ).toHaveLength(4);
});
