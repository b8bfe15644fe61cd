import type { StageState } from '@distillery/spec';

/** The figures from which progress and remaining time are computed; times in milliseconds. */
export interface StageMeasure {
  id: string;
  state: StageState;
  /** Its share of the job's work, in the plan's unit. */
  work: number;
  /** The share that is done, 0 to 1. */
  fraction: number;
  startedAt: number | null;
  finishedAt: number | null;
  /** When `fraction` was reported. */
  measuredAt: number | null;
  /** The first fraction that the attempt reported, and when; a resumed attempt does not begin at 0. */
  from: { fraction: number; at: number } | null;
}

/** Percent of the work, to two decimal places; where no stage has any work, percent of the stages. */
export function percent(stages: readonly StageMeasure[]): number {
  const total = stages.reduce((sum, { work }) => sum + work, 0);
  const share = ({ work }: StageMeasure) => (total > 0 ? work / total : 1 / stages.length);
  const done = stages.reduce((sum, stage) => sum + share(stage) * stage.fraction, 0);
  return Math.round(Math.min(100, Math.max(0, 100 * done)) * 100) / 100;
}

/**
 * The remaining work divided by the measured rate of the running stages. A stage that has reported too little is taken
 * to run as fast as its siblings or, when none has reported enough, as the stages before. The estimate depends on the
 * record alone, not on the clock, so that equal records give equal answers (and ETags). Null while nothing is measured.
 *
 * It assumes that the number of workers stays the same, so it is too long until the students spread over idle workers.
 */
export function etaSeconds(stages: readonly StageMeasure[]): number | null {
  const running = stages.filter(({ state }) => state === 'running');
  const measured = running.map(rateNow).filter((rate) => rate !== null);
  const rates = measured.length > 0 ? measured : stages.map(rateBefore).filter((rate) => rate !== null);
  if (rates.length === 0) return null;
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  const left = stages.reduce((sum, { work, fraction }) => sum + work * (1 - fraction), 0);
  return Math.round(left / (mean * Math.max(1, running.length)) / 100) / 10;
}

/** Work per millisecond. */
function rateNow({ work, fraction, from, measuredAt }: StageMeasure): number | null {
  if (from === null || measuredAt === null || measuredAt <= from.at || fraction <= from.fraction) return null;
  return (work * (fraction - from.fraction)) / (measuredAt - from.at) || null;
}

function rateBefore({ state, work, startedAt, finishedAt }: StageMeasure): number | null {
  if (state !== 'succeeded' || startedAt === null || finishedAt === null || finishedAt <= startedAt)
    return null;
  return work / (finishedAt - startedAt) || null;
}
