import {
  isSweepOver,
  type LeaderboardEntry,
  type SweepRecord,
  type SweepSummary,
  type SweepView,
  type TrialRecord,
  type TrialView,
  trialStates,
} from '@distillery/spec';
import { overControl, testOf, validationOf } from './scores.ts';

/** The view of a sweep. */
export function viewOf(sweep: SweepRecord): SweepView {
  const { given, student, rungs, estimate, trials } = sweep;
  return {
    ...commonOf(sweep),
    student,
    over: given.over,
    rungs,
    estimate,
    trials: trials.map(trialView),
    leaderboard: leaderboardOf(sweep),
  };
}

export function summaryOf(sweep: SweepRecord): SweepSummary {
  const counts = trialStates.map((state) => [
    state,
    sweep.trials.filter((trial) => trial.state === state).length,
  ]);
  return {
    ...commonOf(sweep),
    trials: Object.fromEntries(counts) as SweepSummary['trials'],
    best: leaderboardOf(sweep)[0] ?? null,
  };
}

function commonOf({ id, given, owner, state, createdAt, finishedAt }: SweepRecord) {
  return { id, name: given.name ?? null, owner, state, search: given.search, createdAt, finishedAt };
}

function trialView({ values, state, rungs, reason }: TrialRecord, index: number): TrialView {
  return {
    trial: index + 1,
    values,
    state,
    epochs: rungs.findLast(({ runs }) => runs !== null)?.until ?? 0,
    jobs: rungs.flatMap(({ job, until }) => (job === null ? [] : [{ id: job, until }])),
    reason,
  };
}

/** Trials with a result: those with more epochs first, then those with the higher validation accuracy, then in their order. */
function leaderboardOf(sweep: SweepRecord): LeaderboardEntry[] {
  const whole = sweep.rungs.at(-1) ?? 0;
  return sweep.trials
    .flatMap((trial, index) => entryOf(trial, index, { whole, over: isSweepOver(sweep.state) }))
    .toSorted(
      (a, b) => b.epochs - a.epochs || b.validation.best.mean - a.validation.best.mean || a.trial - b.trial,
    );
}

function entryOf(
  { values, state, rungs }: TrialRecord,
  index: number,
  { whole, over }: { whole: number; over: boolean },
): LeaderboardEntry[] {
  const { runs, until } = rungs.findLast((rung) => rung.runs !== null) ?? {};
  if (runs === undefined || runs === null || until === undefined) return [];
  const ended = over || state === 'stopped' || state === 'succeeded';
  return [
    {
      trial: index + 1,
      values,
      epochs: until,
      stopped: until < whole,
      seeds: runs.length,
      validation: validationOf(runs),
      overControl: overControl(runs, 'validation'),
      // While trials may go on, nothing of the test set is shown that a person could choose by.
      test: ended ? { accuracy: testOf(runs), overControl: overControl(runs, 'test') } : null,
    },
  ];
}
