import { stripVTControlCharacters } from 'node:util';
import type { JobView, StageView } from '@distillery/spec';
import { expect, test } from 'vitest';
import { progressLog } from './progress.ts';

const stage = (id: string, changes: Partial<StageView> = {}): StageView => ({
  id,
  kind: id.startsWith('student') ? 'student' : 'teacher',
  networks: [{ name: id.startsWith('student') ? 'soft' : 'teacher', control: null }],
  seed: id.startsWith('student') ? 42 : null,
  state: 'waiting',
  waitingFor: 'stages',
  missing: [],
  needs: [],
  attempt: 0,
  worker: null,
  startedAt: null,
  finishedAt: null,
  progress: null,
  reason: null,
  ...changes,
});
const running = {
  state: 'running' as const,
  progress: {
    phase: 'training',
    epoch: 1,
    epochs: 4,
    step: 61,
    steps: 188,
    loss: 1.23456,
    samplesPerSecond: 1204.4,
    fraction: 0.25,
  },
};
const done = {
  state: 'succeeded' as const,
  startedAt: '2026-01-01T00:00:00.000Z',
  finishedAt: '2026-01-01T00:01:05.000Z',
};
const job = (...stages: StageView[]): JobView => ({
  id: 'job',
  name: null,
  labels: {},
  owner: null,
  state: 'running',
  priority: 0,
  phase: null,
  waitingFor: null,
  missing: [],
  progress: 40.4,
  etaSeconds: 42,
  reason: null,
  createdAt: '2026-01-01T00:00:00.000Z',
  startedAt: null,
  finishedAt: null,
  warnings: [],
  skippedData: [],
  stages,
});

/** What a log gets, without colours. */
function logged(...views: JobView[]): string {
  let text = '';
  const log = progressLog({ write: (chunk: string | Uint8Array) => Boolean((text += String(chunk))) });
  for (const view of views) log.show(view);
  log.end();
  return stripVTControlCharacters(text);
}

test('a running stage shows phase, epoch, step, loss, speed and time left', () => {
  expect(logged(job(stage('student.soft.42', running)))).toBe(
    '  student soft, seed 42         ━━━━────────────  training  epoch 2/4  step 61/188  loss 1.235  ' +
      '1,204 samples/s  job 40 %  42 s left\n',
  );
});

test('a log gets one line for each epoch and each finished stage', () => {
  const [first, again, ended] = [
    job(stage('teacher', running)),
    job(stage('teacher', running)),
    job(stage('teacher', done)),
  ];
  const lines = logged(first, again, ended, ended).trimEnd().split('\n');
  expect(lines).toHaveLength(2);
  expect(lines[1]).toMatch(/✔ teacher\s+1:05/);
});

test('a job that waits shows its state once', () => {
  const waiting = job(stage('teacher'));
  const queued = { ...waiting, state: 'queued', waitingFor: 'turn' } as const;
  const paused = { ...waiting, state: 'paused' } as const;
  const abandoned = { ...queued, waitingFor: 'worker' } as const;
  expect(logged(queued, queued, paused, paused, abandoned)).toBe(
    '  queued, waiting for its turn\n' +
      '  paused; go on with: distill resume job\n' +
      '  queued, waiting: no worker is running\n',
  );
  expect(logged({ ...waiting, waitingFor: 'turn' })).toBe('');
});
