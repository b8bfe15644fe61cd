import { stripVTControlCharacters } from 'node:util';
import type { JobView, StageView } from '@distillery/spec';
import { expect, test } from 'vitest';
import { progressPrinter } from './progress.ts';

const stage = (id: string, changes: Partial<StageView> = {}): StageView => ({
  id,
  kind: id.startsWith('student') ? 'student' : 'teacher',
  network: id.startsWith('student') ? 'soft' : 'teacher',
  seed: id.startsWith('student') ? 42 : null,
  state: 'waiting',
  waitingFor: 'stages',
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

/** What a printer writes to a stream, with its colours off. */
function printed(isTTY: boolean, ...views: JobView[]): string {
  return printedOn({ isTTY, columns: 400 }, ...views);
}

function printedOn(terminal: { isTTY: boolean; columns: number }, ...views: JobView[]): string {
  let text = '';
  const out = { ...terminal, write: (chunk: string) => void (text += chunk) };
  const printer = progressPrinter(out as unknown as NodeJS.WriteStream);
  for (const view of views) printer.show(view);
  printer.end();
  return text;
}

test('a running stage shows phase, epoch, step, loss, speed and time left', () => {
  const line = stripVTControlCharacters(printed(false, job(stage('student.soft.42', running))));
  expect(line).toBe(
    '  student soft, seed 42         ━━━━━━━━━━━━━━━━  training  epoch 2/4  step 61/188  loss 1.235  ' +
      '1,204 images/s  job 40 %  42 s left\n',
  );
});

test.each([
  [120, /student soft, seed 42 .*━{16}  training  epoch 2\/4  step 61\/188  loss 1.235  job 40 %  42 s left/],
  [80, /student soft, seed 42  ━{16}  epoch 2\/4  job 40 %  42 s left/],
  [60, /student soft, seed 42  epoch 2\/4  job 40 %  42 s left/],
  [40, /student soft, seed 42  42 s left$/],
])('in %i columns the line leaves out what matters less', (columns, expected) => {
  const text = printedOn({ isTTY: true, columns }, job(stage('student.soft.42', running)));
  const line = stripVTControlCharacters(text).replaceAll('\r', '');
  expect(line).toMatch(expected);
  expect(line.length).toBeLessThan(columns);
});

test('a log gets one line for each epoch and each finished stage', () => {
  const [first, again, ended] = [
    job(stage('teacher', running)),
    job(stage('teacher', running)),
    job(stage('teacher', done)),
  ];
  const lines = stripVTControlCharacters(printed(false, first, again, ended, ended))
    .trimEnd()
    .split('\n');
  expect(lines).toHaveLength(2);
  expect(lines[1]).toMatch(/✔ teacher\s+1:05/);
});

test('a terminal gets one line that is rewritten, then removed', () => {
  const text = printed(true, job(stage('teacher', running)), job(stage('teacher', running)));
  expect(text.split('\r').length).toBe(4);
  expect(text).not.toContain('\n');
  expect(text.endsWith('\r\x1b[2K')).toBe(true);
});

test('a job that waits shows its state, in a log once', () => {
  const waiting = job(stage('teacher'));
  const queued = { ...waiting, state: 'queued', waitingFor: 'turn' } as const;
  const paused = { ...waiting, state: 'paused' } as const;
  const abandoned = { ...queued, waitingFor: 'worker' } as const;
  expect(printed(false, queued, queued, paused, paused, abandoned)).toBe(
    '  queued, waiting for its turn\n' +
      '  paused; go on with: distill resume job\n' +
      '  queued, waiting: no worker is running\n',
  );
  const between = { ...waiting, waitingFor: 'turn' } as const;
  expect(printed(false, between)).toBe('');
  expect(printed(true, between)).toContain('  waiting for its turn');
  expect(printed(true, job(stage('teacher', running)), paused)).toContain('\r\x1b[2K  paused; go on with');
});
