import { type Contender, type ContenderId, contenderIds, peers } from './contender.ts';
import type { Part, Refusal, Request, Row, Timing } from './protocol.ts';

/** A measured row; a contender that was not asked is absent, and one that failed has the reason. */
export type Measured = Row & { sides: Partial<Record<ContenderId, Side | Refusal>> };

interface Side {
  /** The median time of a step in each round, or the time of each experiment. */
  milliseconds: number[];
  /** The parts of each experiment. */
  parts: Part[][];
  peakBytes: number;
  version: string;
}

/** The steps at the beginning of a round that do not count: caches are cold, and our next batches are ready. */
const settling = 2;
/** The least time of a round, in ms: few short steps would measure a process that has just woken. */
const shortest = 500;

/** Compares steps. The first round does not count: it allocates memory, compiles, and shows the time of a step. */
export async function compareSteps(
  row: Row,
  asked: Partial<Record<ContenderId, Pick<Contender, 'ask'>>>,
  { rounds, steps }: { rounds: number; steps: number },
): Promise<Measured> {
  const first = await compare(row, asked, { rounds: 1, request: () => ({ steps: settling + 2 }) });
  const request = (id: ContenderId): Request => {
    const side = first.sides[id];
    const filling = side === undefined || 'refused' in side ? 0 : Math.ceil(shortest / side.milliseconds[0]);
    return { steps: settling + Math.min(100, Math.max(steps, filling)) };
  };
  const able = Object.entries(asked).filter(([id]) => !('refused' in first.sides[id as ContenderId]!));
  const measured = await compare(row, Object.fromEntries(able), { rounds, request });
  return { ...row, sides: { ...first.sides, ...measured.sides } };
}

/**
 * Measures one row. The contenders take turns, and each sleeps while another runs, so that a slower machine slows all of
 * them. A different one starts each round.
 */
export async function compare(
  row: Row,
  asked: Partial<Record<ContenderId, Pick<Contender, 'ask'>>>,
  { rounds, request }: { rounds: number; request: (id: ContenderId) => Request },
): Promise<Measured> {
  const ids = contenderIds.filter((id) => asked[id] !== undefined);
  const sides: Measured['sides'] = {};
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < ids.length; turn++) {
      const id = ids[(round + turn) % ids.length];
      const before = sides[id];
      if (before !== undefined && 'refused' in before) continue;
      const answer = await asked[id]!.ask(request(id));
      sides[id] = 'refused' in answer ? answer : added(before, answer);
    }
  }
  return { ...row, sides };
}

function added(before: Side | undefined, { milliseconds, parts, peakBytes, version }: Timing): Side {
  const kept = parts === undefined ? milliseconds.slice(settling) : milliseconds;
  return {
    milliseconds: [...(before?.milliseconds ?? []), median(kept)],
    parts: [...(before?.parts ?? []), ...(parts === undefined ? [] : [parts])],
    peakBytes,
    version,
  };
}

/** Returns what a contender measured; undefined if it was not asked or refused. */
export function sideOf({ sides }: Measured, id: ContenderId): Side | undefined {
  const side = sides[id];
  return side === undefined || 'refused' in side ? undefined : side;
}

/** Returns PyTorch's fastest way of a row. */
export function bestPeer(row: Measured): ContenderId | undefined {
  const time = (id: ContenderId) => median(sideOf(row, id)!.milliseconds);
  return peers.filter((id) => sideOf(row, id) !== undefined).sort((a, b) => time(a) - time(b))[0];
}

/** A ratio over rounds; each compares runs of one round. */
export interface Ratio {
  median: number;
  low: number;
  high: number;
}

/** Returns a contender's time divided by ours: above 1, ours is faster. Undefined where one of them is missing. */
export function ratioOf(row: Measured, id: ContenderId | undefined): Ratio | undefined {
  const [ours, other] = [sideOf(row, 'ours'), id === undefined ? undefined : sideOf(row, id)];
  if (ours === undefined || other === undefined) return undefined;
  return ratioOver(other.milliseconds.map((time, round) => time / ours.milliseconds[round]));
}

export function ratioOver(ratios: readonly number[]): Ratio {
  return { median: median(ratios), low: Math.min(...ratios), high: Math.max(...ratios) };
}

/** Returns the median; of an even count, the mean of the middle two. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
