/** The points of a thinned curve; `min` and `max` only where a point stands for several rows. */
export interface Points {
  step: number[];
  epoch: number[];
  value: (number | null)[];
  min?: (number | null)[];
  max?: (number | null)[];
}

/** The most points that are kept of a curve, and so the most that can be asked for. */
export const mostPoints = 4096;
/** A point of the kept arrays: step, epoch, sum, count of finite values, smallest and largest value. */
const [fields, firstLength] = [6, 64];
const [STEP, EPOCH, SUM, COUNT, MIN, MAX] = [0, 1, 2, 3, 4, 5];

/**
 * A curve in bounded memory, however many rows are added. Each point stands for the same number of consecutive rows; when
 * there are too many points, each two become one.
 */
export class Thinned {
  /** How many rows a full point stands for: a power of two. */
  #rowsPerPoint = 1;
  #count = 0;
  #rowsInLast = 0;
  #points = new Float64Array(fields * firstLength);

  /** The memory that the points take. */
  get bytes(): number {
    return this.#points.byteLength;
  }

  /** Adds a row behind all others. A value that is not finite counts for no mean. */
  add(step: number, epoch: number, value: number | null): void {
    if (this.#count === 0 || this.#rowsInLast === this.#rowsPerPoint) this.#begin();
    const at = (this.#count - 1) * fields;
    const points = this.#points;
    points[at + STEP] = step;
    points[at + EPOCH] = epoch;
    this.#rowsInLast++;
    if (value === null || !Number.isFinite(value)) return;
    points[at + SUM] += value;
    points[at + COUNT]++;
    points[at + MIN] = Math.min(points[at + MIN], value);
    points[at + MAX] = Math.max(points[at + MAX], value);
  }

  /** @returns at most `most` points, from the first row to the last */
  points(most: number): Points {
    const together = Math.max(1, Math.ceil(this.#count / most));
    const merged = together === 1 ? this.#points : this.#merged(together);
    const count = Math.ceil(this.#count / together);
    const column = <T>(read: (at: number) => T) => Array.from({ length: count }, (_, i) => read(i * fields));
    const ofValues = (read: (at: number) => number) =>
      column((at) => (merged[at + COUNT] === 0 ? null : read(at)));
    const points: Points = {
      step: column((at) => merged[at + STEP]),
      epoch: column((at) => merged[at + EPOCH]),
      value: ofValues((at) => meanOf(merged[at + SUM], merged[at + COUNT])),
    };
    if (together * this.#rowsPerPoint === 1) return points;
    return { ...points, min: ofValues((at) => merged[at + MIN]), max: ofValues((at) => merged[at + MAX]) };
  }

  #begin(): void {
    if (this.#count === mostPoints) {
      this.#points = this.#merged(2);
      this.#count /= 2;
      this.#rowsPerPoint *= 2;
    }
    if (this.#points.length === this.#count * fields) {
      const larger = new Float64Array(2 * this.#points.length);
      larger.set(this.#points);
      this.#points = larger;
    }
    const at = this.#count * fields;
    this.#points.fill(0, at, at + fields);
    this.#points[at + MIN] = Number.POSITIVE_INFINITY;
    this.#points[at + MAX] = Number.NEGATIVE_INFINITY;
    this.#count++;
    this.#rowsInLast = 0;
  }

  /** The points, this many of them as one. */
  #merged(together: number) {
    const from = this.#points;
    const into = new Float64Array(from.length);
    for (let i = 0; i < this.#count; i++) {
      const [at, to] = [i * fields, Math.floor(i / together) * fields];
      const first = i % together === 0;
      into[to + STEP] = from[at + STEP];
      into[to + EPOCH] = from[at + EPOCH];
      into[to + SUM] += from[at + SUM];
      into[to + COUNT] += from[at + COUNT];
      into[to + MIN] = first ? from[at + MIN] : Math.min(into[to + MIN], from[at + MIN]);
      into[to + MAX] = first ? from[at + MAX] : Math.max(into[to + MAX], from[at + MAX]);
    }
    return into;
  }
}

/** A mean of several rows has more digits than a chart can show, and every digit is sent. */
function meanOf(sum: number, count: number): number {
  return count === 1 ? sum : Number((sum / count).toPrecision(7));
}
