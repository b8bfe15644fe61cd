import type { JobView } from '@distillery/spec';
import { expect, test } from 'vitest';
import { withEvent } from './with-event.ts';

const stage = (id: string, attempt = 1) => ({
  id,
  kind: 'student',
  networks: [{ name: 'a', control: null }],
  seed: 1,
  state: 'running' as const,
  waitingFor: null,
  missing: [],
  needs: [],
  attempt,
  worker: 'w1',
  startedAt: null,
  finishedAt: null,
  progress: null,
  reason: null,
});
const job = {
  id: 'job_1',
  state: 'running',
  reason: null,
  stages: [stage('one'), stage('two', 2)],
} as unknown as JobView;
const common = { id: '1-0', job: 'job_1', time: '2026-01-01T00:00:00.000Z' };

test('an event changes what it tells of, and nothing else', () => {
  const told = withEvent(job, {
    ...common,
    type: 'stage',
    stage: 'one',
    attempt: 1,
    state: 'succeeded',
    worker: 'w1',
    reason: null,
  });
  expect(told.stages.map(({ state }) => state)).toEqual(['succeeded', 'running']);
  expect(withEvent(job, { ...common, type: 'job', state: 'paused', reason: null }).state).toBe('paused');
});

test('an event of an earlier attempt changes nothing', () => {
  const late = {
    ...common,
    type: 'stage',
    stage: 'two',
    attempt: 1,
    state: 'failed',
    worker: 'w1',
    reason: null,
  } as const;
  expect(withEvent(job, late).stages[1].state).toBe('running');
});
