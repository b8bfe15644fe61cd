import { yieldToEvents } from '../yield-to-events.ts';
import { PairQueue } from './pair-queue.ts';

/** Two ids that are merged into one. */
export type Merge = [left: number, right: number];

interface Piece {
  ids: readonly number[];
  count: number;
}

/** The smallest count of a pair that is merged. */
const leastCount = 2;
/** Changed pieces between two checks of the abort signal: some tens of milliseconds. */
const yieldEvery = 20_000;

/**
 * Learns byte pairs: again and again it merges the most frequent pair of neighbours into a new id. Among equally frequent
 * pairs it chooses the one with the smallest ids. The result depends on the counts, not on the order of the pieces.
 *
 * @param firstId the id of the first merge
 * @param most the largest number of merges; there are fewer when no pair is left that occurs twice
 * @throws the reason of the signal when it is aborted
 */
export async function learnMerges(
  pieces: readonly Piece[],
  firstId: number,
  most: number,
  signal?: AbortSignal,
): Promise<Merge[]> {
  const ids = pieces.map((piece) => piece.ids);
  const counts = new Map<number, number>();
  /** The indices of the pieces that contain a pair. */
  const places = new Map<number, Set<number>>();
  const changed = new Set<number>();
  const queue = new PairQueue();
  const note = (index: number, sign: 1 | -1) => {
    for (let i = 1; i < ids[index].length; i++) {
      const key = keyOf(ids[index][i - 1], ids[index][i]);
      counts.set(key, (counts.get(key) ?? 0) + sign * pieces[index].count);
      changed.add(key);
      const holders = places.get(key) ?? new Set();
      if (sign > 0) places.set(key, holders.add(index));
      else holders.delete(index);
    }
  };
  const enqueue = () => {
    for (const key of changed) {
      const count = counts.get(key) ?? 0;
      if (count >= leastCount) queue.push({ key, count });
      else if (count === 0) {
        counts.delete(key);
        places.delete(key);
      }
    }
    changed.clear();
  };

  let changes = 0;
  for (const index of pieces.keys()) {
    note(index, 1);
    if (++changes % yieldEvery === 0) await yieldToEvents(signal);
  }
  enqueue();
  const merges: Merge[] = [];
  while (merges.length < most) {
    const best = queue.pop();
    if (best === undefined) break;
    // The count has changed since; a newer entry holds it.
    if (counts.get(best.key) !== best.count) continue;
    const merge = pairOf(best.key);
    // Iterate over a copy, because the loop changes the set.
    for (const index of Array.from(places.get(best.key) as Set<number>)) {
      note(index, -1);
      ids[index] = merged(ids[index], merge, firstId + merges.length);
      note(index, 1);
      if (++changes % yieldEvery === 0) await yieldToEvents(signal);
    }
    merges.push(merge);
    enqueue();
  }
  return merges;
}

/** Encodes a pair as one number; ids have 16 bits. */
export function keyOf(left: number, right: number): number {
  return left * 65_536 + right;
}

function pairOf(key: number): Merge {
  return [Math.floor(key / 65_536), key % 65_536];
}

/** Replaces every occurrence of a pair, from the left, by an id. */
export function merged(ids: readonly number[], [left, right]: Merge, id: number): number[] {
  const out: number[] = [];
  for (let i = 0; i < ids.length; i++) {
    if (ids[i] === left && ids[i + 1] === right) {
      out.push(id);
      i++;
    } else out.push(ids[i]);
  }
  return out;
}
