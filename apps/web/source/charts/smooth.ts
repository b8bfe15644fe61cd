/**
 * The exponential moving average of a curve, corrected for its start as Adam's moments are, so that the first values are not
 * drawn to 0. Missing values stay missing and change nothing.
 *
 * @param weight how much of the past is kept: 0 changes nothing, 0.9 averages over about 10 values
 */
export function smoothed(values: readonly (number | null)[], weight: number): (number | null)[] {
  if (weight <= 0) return [...values];
  let sum = 0;
  let missing = 1;
  return values.map((value) => {
    if (value === null) return null;
    sum = weight * sum + (1 - weight) * value;
    missing *= weight;
    return sum / (1 - missing);
  });
}
