import { spreadOf } from '@distillery/spec/spread';

/** One run of a network: its values in rising order of x, which is an epoch or a step. */
export interface Run {
  x: readonly number[];
  y: readonly (number | null)[];
}

/** The mean over runs at each x, and the sample standard deviation; null for a single run, and where a value is missing. */
export interface MeanCurve {
  x: number[];
  mean: (number | null)[];
  sd: (number | null)[];
}

/**
 * The mean of the seeds of a network, up to the x that all of them have reached. Runs without a value have not started and
 * do not count. Where the runs were thinned differently, the others are read between their points.
 */
export function meanOfSeeds(runs: readonly Run[]): MeanCurve {
  const started = runs.filter(({ x }) => x.length > 0);
  const [first, ...others] = [...started].sort((a, b) => (a.x.at(-1) ?? 0) - (b.x.at(-1) ?? 0));
  if (first === undefined) return { x: [], mean: [], sd: [] };
  const from = Math.max(...started.map(({ x }) => x[0]));
  const curve: MeanCurve = { x: [], mean: [], sd: [] };
  first.x.forEach((x, index) => {
    if (x < from) return;
    const values = [first.y[index], ...others.map((run) => valueAt(run, x))];
    curve.x.push(x);
    if (values.some((value) => value === null)) {
      curve.mean.push(null);
      curve.sd.push(null);
      return;
    }
    const { mean, sd } = spreadOf(values as number[]);
    curve.mean.push(mean);
    curve.sd.push(sd);
  });
  return curve;
}

/** The value of a run at an x, on the line between its neighbours; null outside of the run and beside a missing value. */
export function valueAt({ x, y }: Run, at: number): number | null {
  const after = firstAtLeast(x, at);
  if (after === x.length) return null;
  if (x[after] === at) return y[after];
  if (after === 0) return null;
  const [before, next] = [y[after - 1], y[after]];
  if (before === null || next === null) return null;
  const share = (at - x[after - 1]) / (x[after] - x[after - 1]);
  return before + share * (next - before);
}

/** The index of the first of rising values that is at least `value`; their count when none is. */
function firstAtLeast(values: readonly number[], value: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The index of the value that is nearest to another; -1 without values. */
export function nearest(values: readonly number[], value: number): number {
  const after = firstAtLeast(values, value);
  if (after === 0) return values.length === 0 ? -1 : 0;
  if (after === values.length) return after - 1;
  return value - values[after - 1] <= values[after] - value ? after - 1 : after;
}
