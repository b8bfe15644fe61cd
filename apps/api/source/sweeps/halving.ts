import type { SweepRecord, TrialRecord } from '@distillery/spec';
import { validationOf } from './scores.ts';

/**
 * Asynchronous successive halving: "A System for Massively Parallel Hyperparameter Tuning", Li et al., MLSys 2020
 * (arXiv:1810.05934), algorithm 2, over a number of trials that is known.
 */

/** What a sweep does next: a trial begins, or goes on to the next rung. */
export interface NextWork {
  /** The index of the trial. */
  trial: number;
  /** The epoch after which its job ends. */
  until: number;
}

/** The epochs after which trials are compared: from the least, each `factor` times the one before, and at last all of them. */
export function rungsOf(
  epochs: number,
  { minimumEpochs, factor }: { minimumEpochs: number; factor: number },
): number[] {
  const rungs: number[] = [];
  for (let rung = minimumEpochs; rung < epochs; rung *= factor) rungs.push(rung);
  return [...rungs, epochs];
}

/**
 * Decides what begins next, while there is room for another job. A promotion comes before a new trial, one from a higher rung before one
 * from a lower, and of equal trials the one with the lower number.
 *
 * Of the n trials that have reached a rung, the best ⌊n / factor⌋ may go on. Where no further trial can reach the rung, at least one
 * goes on, so that the best of few trials is trained to the end. The decision depends on the record alone.
 */
export function nextWork(sweep: SweepRecord): NextWork | undefined {
  const { trials, rungs } = sweep;
  for (let rung = rungs.length - 2; rung >= 0; rung--) {
    const [next] = promotable(sweep, rung);
    if (next !== undefined) return { trial: next, until: rungs[rung + 1] };
  }
  const fresh = trials.findIndex(({ state }) => state === 'waiting');
  return fresh === -1 ? undefined : { trial: fresh, until: rungs[0] };
}

/** The indices of the trials that may go on from a rung now, the best first. */
function promotable(sweep: SweepRecord, rung: number): number[] {
  const { trials, given } = sweep;
  const factor = given.search.type === 'halving' ? given.search.factor : 1;
  const reached = trials.flatMap((trial, index) => (hasReached(trial, rung) ? [{ trial, index }] : []));
  const few = Math.floor(reached.length / factor);
  const most = few === 0 && isClosed(sweep, rung) ? 1 : few;
  return reached
    .toSorted((a, b) => scoreAt(b.trial, rung) - scoreAt(a.trial, rung) || a.index - b.index)
    .slice(0, most)
    .filter(({ trial }) => trial.state === 'held' && trial.rungs.length === rung + 1)
    .map(({ index }) => index);
}

/** Whether no further trial can reach a rung: none is on its way, and none below it goes on. */
function isClosed(sweep: SweepRecord, rung: number): boolean {
  const onTheWay = sweep.trials.some(
    (trial) => !hasReached(trial, rung) && (trial.state === 'waiting' || trial.state === 'running'),
  );
  if (onTheWay) return false;
  for (let below = 0; below < rung; below++) if (promotable(sweep, below).length > 0) return false;
  return true;
}

function hasReached({ rungs }: TrialRecord, rung: number): boolean {
  return rungs[rung] !== undefined && rungs[rung].runs !== null;
}

/** The objective after a rung. */
function scoreAt({ rungs }: TrialRecord, rung: number): number {
  return validationOf(rungs[rung].runs ?? []).best.mean;
}
