import type { StageState } from '@distillery/spec';

/** What progress and time left are computed from; times in milliseconds. */
export interface StageMeasure {
  id: string;
  state: StageState;
  /** Its share of the job's work, in the plan's unit. */
  work: number;
  /** Done, 0 to 1. */
  fraction: number;
  startedAt: number | null;
  finishedAt: number | null;
  /** When `fraction` was told. */
  measuredAt: number | null;
  /** The first fraction that the attempt told, and when; a resumed attempt does not begin at 0. */
  from: { fraction: number; at: number } | null;
}

/** Percent of the work, to two places; of the stages where no stage has any work. */
export function percent(stages: readonly StageMeasure[]): number {
  const total = stages.reduce((sum, { work }) => sum + work, 0);
  const share = ({ work }: StageMeasure) => (total > 0 ? work / total : 1 / stages.length);
  const done = stages.reduce((sum, stage) => sum + share(stage) * stage.fraction, 0);
  return Math.round(Math.min(100, Math.max(0, 100 * done)) * 100) / 100;
}

/**
 * Work left over the measured rate of the stages that run now; those that have told too little are taken to run as
 * fast as their siblings or, when none has told enough, as the stages before. It depends on the record alone, not
 * on the clock, so that equal records give equal answers (and ETags). Null while nothing has been measured.
 *
 * It takes the number of workers to stay as it is: it is too long before the students spread over idle workers.
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
