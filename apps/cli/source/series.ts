/** Values of a curve in order, of which a bounded number is kept: neighbours are averaged as it grows. */
export interface Series {
  readonly values: readonly number[];
  /** The newest value as it came; undefined when there is none. */
  readonly last: number | undefined;
  add(value: number): void;
}

const most = 256;

export function createSeries(): Series {
  let values: number[] = [];
  let last: number | undefined;
  /** How many values each kept one stands for. */
  let stride = 1;
  let sum = 0;
  let pending = 0;
  return {
    get values() {
      return pending === 0 ? values : [...values, sum / pending];
    },
    get last() {
      return last;
    },
    add(value) {
      last = value;
      sum += value;
      if (++pending < stride) return;
      values.push(sum / pending);
      [sum, pending] = [0, 0];
      if (values.length < most) return;
      values = values.flatMap((one, i) => (i % 2 === 0 ? [(one + values[i + 1]) / 2] : []));
      stride *= 2;
    },
  };
}
