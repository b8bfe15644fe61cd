import { styleText } from 'node:util';
import type { LeaderboardEntry, Spread, SweepPlan, SweepView, TrialView } from '@distillery/spec';
import { duration, integer } from './format.ts';
import { spreadText } from './report-table.ts';
import { table } from './table.ts';

/** `+1.2 ± 0.4`, in points */
function gainText(gain: Spread | null): string {
  if (gain === null) return '–';
  return `${gain.mean < 0 ? '−' : '+'}${spreadText({ ...gain, mean: Math.abs(gain.mean) })}`;
}

/** The last part of each path, with as many before it as tell it from the others. */
function shortPaths(paths: readonly string[]): Map<string, string> {
  const parts = paths.map((path) => path.slice(1).split('/'));
  return new Map(
    paths.map((path, index) => {
      const own = parts[index];
      for (let count = 1; count < own.length; count++) {
        const short = own.slice(-count).join('/');
        const others = parts.filter((other, at) => at !== index && other.slice(-count).join('/') === short);
        if (others.length === 0) return [path, short];
      }
      return [path, own.join('/')];
    }),
  );
}

/** A value as it is written in a cell. */
function valueText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The leaderboard of a sweep, the first trials of it, with notes of what its numbers mean. */
export function leaderboardTable(sweep: SweepView, most = 20): string {
  const { leaderboard, over, rungs, student } = sweep;
  if (leaderboard.length === 0) return '  No trial has a result yet.';
  const names = shortPaths(Object.keys(over));
  const halving = rungs.length > 1;
  const rows = leaderboard
    .slice(0, most)
    .map((entry, index) => [
      String(index + 1),
      String(entry.trial),
      ...[...names.keys()].map((path) => valueText(entry.values[path])),
      ...(halving ? [epochsText(entry)] : []),
      spreadText(entry.validation.best),
      gainText(entry.overControl?.best ?? null),
      entry.test === null ? '–' : spreadText(entry.test.accuracy.best),
      entry.test === null ? '–' : spreadText(entry.test.accuracy.last),
      gainText(entry.test?.overControl?.best ?? null),
    ]);
  const columns = [
    { title: '#', align: 'right' },
    { title: 'trial', align: 'right' },
    ...[...names.values()].map((title) => ({ title, align: 'right' }) as const),
    ...(halving ? [{ title: 'epochs', align: 'right' } as const] : []),
    { title: 'validation %', align: 'right' },
    { title: 'over control', align: 'right' },
    { title: 'test %, best', align: 'right' },
    { title: 'test %, last', align: 'right' },
    { title: 'over control', align: 'right' },
  ] as const;
  const [{ seeds }] = leaderboard;
  const notes = [
    ...(leaderboard.length > most ? [`and ${leaderboard.length - most} more`] : []),
    `${student}, by the validation accuracy of its best epoch; ${
      seeds === 1
        ? 'one seed: differences of a point or two are noise'
        : `mean ± standard deviation over ${seeds} seeds`
    }`,
    'over control: points above the control with the same seed, trained for as many epochs',
    ...(halving ? ['a trial with fewer epochs was stopped, or may go on'] : []),
  ];
  return [table(columns, rows), '', ...notes.map((note) => styleText('dim', `  ${note}`))].join('\n');
}

function epochsText({ epochs, stopped }: LeaderboardEntry): string {
  return stopped ? `${epochs}` : `${epochs} (all)`;
}

/** The trials that failed, a line each. */
export function failuresText(trials: readonly TrialView[]): string[] {
  return trials.flatMap(({ trial, reason, jobs }) =>
    reason === null
      ? []
      : [
          styleText(
            'red',
            `  trial ${trial} failed: ${reason.code}: ${reason.message}${jobs.length > 0 ? ` (${jobs[jobs.length - 1].id})` : ''}`,
          ),
        ],
  );
}

/** What a sweep does now, in a line. */
export function sweepLine({ id, name, state, trials }: SweepView): string {
  const counts = new Map<string, number>();
  for (const trial of trials) counts.set(trial.state, (counts.get(trial.state) ?? 0) + 1);
  const parts = [...counts].map(([of, count]) => `${count} ${of}`).join(', ');
  return `  ${id} ${state}${name === null ? '' : `  ${name}`}  trials: ${parts}`;
}

/** What a sweep would cost. */
export function sweepPlanText({ estimate, student, rungs, trials, warnings }: SweepPlan): string {
  const time =
    estimate.seconds === null ? 'unknown time' : `about ${duration(estimate.seconds)} on one worker`;
  return [
    `  ${estimate.trials} trials in at most ${integer(estimate.jobs)} jobs with ${integer(estimate.stages)} stages, of which trials share ${integer(estimate.shared)}: ${time}`,
    `  compared by the validation accuracy of ${student}${rungs.length > 1 ? ` after ${rungs.join(', ')} epochs` : ''}`,
    ...trials.slice(0, 5).map((values, index) => `  trial ${index + 1}: ${JSON.stringify(values)}`),
    ...(trials.length > 5 ? [`  and ${trials.length - 5} more`] : []),
    ...warnings.map((warning) => styleText('yellow', `  ! ${warning}`)),
  ].join('\n');
}
