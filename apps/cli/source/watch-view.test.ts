import { stripVTControlCharacters } from 'node:util';
import type { StageView } from '@distillery/spec';
import { expect, test } from 'vitest';
import { createSeries } from './series.ts';
import { jobOf } from './testing/report.ts';
import { watchLines } from './watch-view.ts';

const stage = (id: string, state: StageView['state'], more: Partial<StageView> = {}): StageView => ({
  id,
  kind: id.split('.')[0],
  networks: [{ name: id.split('.')[1] ?? id, control: null }],
  seed: id.includes('.') ? Number(id.split('.')[2]) : null,
  state,
  waitingFor: state === 'waiting' ? 'stages' : null,
  missing: [],
  needs: [],
  attempt: 1,
  worker: 'w',
  startedAt: '2026-01-01T00:00:00.000Z',
  finishedAt: state === 'succeeded' ? '2026-01-01T00:01:05.000Z' : null,
  progress: null,
  reason: null,
  ...more,
});
const training = { phase: 'training', epoch: 1, epochs: 4, step: 61, steps: 188, samplesPerSecond: 1204 };
const running = { progress: { ...training, loss: 1.23456, fraction: 0.5 } };
const job = jobOf('job_1', { name: 'small', state: 'running', progress: 40.4, etaSeconds: 42 });

function curves(loss: number[], accuracy: number[] = []) {
  const series = (values: number[]) => {
    const one = createSeries();
    for (const value of values) one.add(value);
    return one;
  };
  return () => ({ loss: series(loss), accuracy: series(accuracy) });
}

function lines(stages: StageView[], { width = 80, height = 24, of = curves([]) } = {}): string[] {
  return watchLines({ ...job, stages }, of, { width, height }).map(stripVTControlCharacters);
}

test('shows the job, then each stage with its progress and its curves', () => {
  const stages = [
    stage('teacher', 'succeeded'),
    stage('student.soft.1', 'running', running),
    stage('report', 'waiting'),
  ];
  expect(lines(stages, { width: 110, of: curves([4, 3, 2, 1], [0.5, 0.75]) })).toEqual([
    '  small  running  ━━━━━━━━────────────  40 %  42 s left',
    '',
    '  ✔ teacher                  1:05  accuracy 75.0 %  ▁█',
    '  ▶ student soft, seed 1  ━━━━━─────  epoch 2/4  loss 1.235  █▆▃▁  accuracy 75.0 %  ▁█',
    '  · report',
  ]);
});

test.each([120, 80, 60, 40])(
  'no line is wider than %i columns, and the least important parts go first',
  (width) => {
    const of = curves(
      Array.from({ length: 90 }, (_, i) => i),
      [0.5, 0.6],
    );
    const shown = lines([stage('student.soft.1', 'running', running)], { width, of });
    for (const line of shown) expect(line.length).toBeLessThan(width);
    expect(shown[2]).toContain('student soft, seed 1');
    expect(shown[2].includes('accuracy')).toBe(width === 120);
  },
);

test('of more stages than lines, those around the running one are shown', () => {
  const stages = [
    ...Array.from({ length: 30 }, (_, i) => stage(`student.done.${i}`, 'succeeded')),
    stage('student.now.1', 'running', running),
    ...Array.from({ length: 30 }, (_, i) => stage(`student.later.${i}`, 'waiting')),
  ];
  const shown = lines(stages, { height: 16 });
  expect(shown.length).toBeLessThan(16);
  expect(shown).toContainEqual(expect.stringMatching('▶ student now, seed 1'));
  expect(shown).toContainEqual('  … 28 more above');
  expect(shown).toContainEqual(expect.stringMatching(/… \d+ more below/));
});

test('says why nothing runs, why a stage failed, and that there are warnings', () => {
  const failed = stage('student.soft.1', 'failed', { reason: { code: 'nan', message: 'the loss is NaN' } });
  expect(lines([failed])[2]).toBe('  ✖ student soft, seed 1  the loss is NaN');
  const warning = { stage: 'teacher', attempt: 1, time: '2026-01-01T00:00:00.000Z', message: 'm', count: 1 };
  const paused = { ...job, state: 'paused' as const, stages: [failed], warnings: [warning] };
  const shown = watchLines(paused, () => undefined, { width: 80, height: 24 }).map(stripVTControlCharacters);
  expect(shown.slice(-2)).toEqual([
    '  paused; go on with: distill resume job_1',
    '  ! 1 warning; see: distill show job_1',
  ]);
});
