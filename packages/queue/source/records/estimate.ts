import { type Pace, paceOf, type Paces, type StageState } from '@distillery/spec';
import type { Standing } from './standing.ts';

/** What the remaining time of a stage is computed from. Fractions are shares of the stage, 0 to 1; times in milliseconds. */
export interface StageMeasure {
  id: string;
  kind: string;
  needs: readonly string[];
  state: StageState;
  /** In the plan's unit. */
  work: number;
  /** The share that the latest attempt has reported. */
  fraction: number;
  /** The largest share that any attempt has reported. */
  furthest: number;
  /** When `fraction` was reported. */
  measuredAt: number | null;
  /** The first share that the attempt reported once it had loaded its data, and when. */
  from: { fraction: number; at: number } | null;
}

/** A job that is queued or runs. */
export interface Waiting {
  id: string;
  /** The place of its priority: 0 comes first. */
  rank: number;
  owner: string;
  begun: boolean;
}

/**
 * The seconds until a job ends: until the stages before its own are done, and then for its own stages on the running workers.
 * Null while no speed is known or no worker runs. It depends on records alone, not on the clock.
 *
 * Owners share the workers equally: until a job has got its turn, each other owner gets as much as this one's own jobs
 * take, or what its jobs need. Jobs that are submitted later can only delay it.
 */
export function etaSeconds(
  job: Waiting,
  stages: readonly StageMeasure[],
  { slots, paces, backlog }: Standing,
): number | null {
  const left = remaining(stages, paces);
  if (left === null || slots === 0) return null;
  const own = [...left.values()].reduce((sum, one) => sum + one, 0);
  let before = 0;
  const owners = new Map<string, number>();
  for (const other of backlog) {
    if (other.id === job.id) continue;
    if (other.rank < job.rank || (other.rank === job.rank && isAhead(other, job))) before += other.seconds;
    else if (other.rank > job.rank || other.owner === job.owner) before += other.runningSeconds;
    else owners.set(other.owner, (owners.get(other.owner) ?? 0) + other.seconds);
  }
  for (const seconds of owners.values()) before += Math.min(seconds, before + own);
  return Math.round((before / slots + makespan(stages, left, slots)) * 10) / 10;
}

/** Whether a job of the same owner and priority is finished before the other one. */
function isAhead(one: Waiting, other: Waiting): boolean {
  if (one.owner !== other.owner) return false;
  return one.begun === other.begun ? one.id < other.id : one.begun;
}

/** The remaining seconds of each stage that has not ended, by id; null while no speed is known. */
function remaining(stages: readonly StageMeasure[], paces: Paces): Map<string, number> | null {
  const slowness = slownessOf(stages, paces);
  const left = new Map<string, number>();
  for (const stage of stages) {
    if (stage.state !== 'waiting' && stage.state !== 'queued' && stage.state !== 'running') continue;
    const { before, after, perWork } = paceOf(stage.kind, paces);
    const perUnit = measured(stage) ?? (perWork === null ? slowness : perWork * (slowness ?? 1));
    if (stage.work > 0 && perUnit === null) return null;
    const training = stage.work * (perUnit ?? 0);
    const loads = stage.state !== 'running' || stage.from === null;
    const seconds = loads ? before + training * (1 - stage.furthest) : training * (1 - stage.fraction);
    left.set(stage.id, seconds + after);
  }
  return left;
}

/** How many times as long as at the known pace this job's work takes, as its own stages show; null before they do. */
function slownessOf(stages: readonly StageMeasure[], paces: Paces): number | null {
  const logs = stages.flatMap((stage) => {
    const own = measured(stage);
    return own === null ? [] : [Math.log(own / (paceOf(stage.kind, paces).perWork ?? 1))];
  });
  return logs.length === 0 ? null : Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length);
}

/** The seconds that a unit of a stage's work takes, once its progress shows. */
function measured({ work, fraction, from, measuredAt }: StageMeasure): number | null {
  if (from === null || measuredAt === null || measuredAt <= from.at || fraction <= from.fraction) return null;
  return work > 0 ? (measuredAt - from.at) / 1000 / (work * (fraction - from.fraction)) : null;
}

/** The seconds that the stages take when each begins as soon as its needs are met and a trainer is free. */
function makespan(stages: readonly StageMeasure[], left: ReadonlyMap<string, number>, slots: number): number {
  const free = Array.from({ length: Math.min(slots, left.size) }, () => 0);
  const ends = new Map<string, number>();
  const open = stages.filter(({ id }) => left.has(id));
  const inOrder = [
    ...open.filter(({ state }) => state === 'running'),
    ...open.filter(({ state }) => state !== 'running'),
  ];
  for (const { id, needs } of inOrder) {
    const slot = free.indexOf(Math.min(...free));
    const ready = needs.reduce((latest, need) => Math.max(latest, ends.get(need) ?? 0), 0);
    const end = Math.max(free[slot], ready) + (left.get(id) ?? 0);
    free[slot] = end;
    ends.set(id, end);
  }
  return Math.max(0, ...free);
}

/** The seconds of so many stages of one kind with so much work in all. */
export function secondsOf({ before, after, perWork }: Pace, stages: number, work: number): number {
  return stages * (before + after) + work * (perWork ?? 0);
}
