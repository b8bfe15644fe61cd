/** How a column of numbers is standardised: (number − mean) / std. */
export interface Column {
  name: string;
  /** Of the training rows; a missing number takes its place. */
  mean: number;
  /** 1 for a column of one value. */
  std: number;
}

/** Collects the mean and the standard deviation of each column, without those that are NaN, by Welford's recurrence. */
export function columnStatistics(names: readonly string[]) {
  const counts = new Float64Array(names.length);
  const means = new Float64Array(names.length);
  const squares = new Float64Array(names.length);
  return {
    add(values: Float64Array): void {
      for (let i = 0; i < values.length; i++) {
        const value = values[i];
        if (Number.isNaN(value)) continue;
        const delta = value - means[i];
        means[i] += delta / ++counts[i];
        squares[i] += delta * (value - means[i]);
      }
    },
    /** @throws RangeError for a column without any number, and for numbers too large to square */
    columns(): Column[] {
      return names.map((name, i) => {
        if (counts[i] === 0)
          throw new RangeError(`the column ${JSON.stringify(name)} has no number in the training rows`);
        const std = Math.sqrt(squares[i] / counts[i]);
        if (!Number.isFinite(means[i]) || !Number.isFinite(std))
          throw new RangeError(
            `the numbers of the column ${JSON.stringify(name)} are too large to standardise`,
          );
        return { name, mean: means[i], std: std || 1 };
      });
    },
  };
}
