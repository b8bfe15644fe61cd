import { type Client, guarded } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';
import { durationBounds } from '../scripts/counters.ts';

/** How long attempts took that ended alike. */
export interface Durations {
  kind: string;
  /** `succeeded`, `failed`, `retried`, `stopped`, `lost` or `cancelled`. */
  outcome: string;
  /** For each bound of `durationBounds`, and at last without one, how many took at most so long. */
  atMost: number[];
  /** In seconds, of all together. */
  sum: number;
}

/** What was counted since the data of this Redis began, by whichever processes. */
export interface Counters {
  /** Attempts of stages that began: the first of each stage, and those that went on with one. */
  attempts: { kind: string; start: string; count: number }[];
  durations: Durations[];
  /** Failures of attempts by the code of their error. */
  failures: { code: string; count: number }[];
  /** Results that other jobs may share, by whether they were found in the store or computed. */
  results: { kind: string; source: string; count: number }[];
  /** Optimizer steps. */
  steps: { kind: string; count: number }[];
  /** Jobs that ended, by their last state. */
  jobs: { state: string; count: number }[];
}

/** Reads the counters that the scripts keep. */
export function counterReader(redis: Client, keys: Keys): () => Promise<Counters> {
  return guarded(async () => countersOf(await redis.hgetall(keys.counters)));
}

function countersOf(fields: Record<string, string>): Counters {
  const rows = Object.entries(fields).map(([field, value]) => [...field.split(' '), Number(value)] as const);
  /** The fields of one name, with their words and their number. */
  const under = (name: string) =>
    rows
      .filter(([first]) => first === name)
      .map((row) => ({ words: row.slice(1, -1) as string[], count: row.at(-1) as number }));
  return {
    attempts: under('attempts').map(({ words: [kind, start], count }) => ({ kind, start, count })),
    durations: under('seconds').map(({ words: [kind, outcome], count: sum }) => ({
      kind,
      outcome,
      atMost: atMost(fields, `ended ${kind} ${outcome}`),
      sum,
    })),
    failures: under('failures').map(({ words: [code], count }) => ({ code, count })),
    results: under('results').map(({ words: [kind, source], count }) => ({ kind, source, count })),
    steps: under('steps').map(({ words: [kind], count }) => ({ kind, count })),
    jobs: under('jobs').map(({ words: [state], count }) => ({ state, count })),
  };
}

function atMost(fields: Record<string, string>, name: string): number[] {
  let sum = 0;
  return [...durationBounds, 'inf'].map((bound) => (sum += Number(fields[`${name} ${bound}`] ?? 0)));
}
