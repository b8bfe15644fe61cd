import type { RandomStream } from '@distillery/engine/random';

/** Returns a number of the distribution Beta(alpha, alpha): the share of one of two gamma-distributed numbers. */
export function betaNumber(alpha: number, stream: RandomStream): number {
  const [one, other] = [gammaNumber(alpha, stream), gammaNumber(alpha, stream)];
  // For a small alpha both can be too small for a number: then one of them has nearly all.
  return one + other > 0 ? one / (one + other) : stream.below(2);
}

/** Returns a number of the distribution Gamma(shape, 1) (Marsaglia and Tsang, 2000, ACM TOMS 26(3)). */
function gammaNumber(shape: number, stream: RandomStream): number {
  if (shape < 1) return gammaNumber(shape + 1, stream) * stream.uniform() ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = stream.normal();
    const v = (1 + c * x) ** 3;
    const u = stream.uniform();
    if (v > 0 && Math.log(u) < x ** 2 / 2 + d - d * v + d * Math.log(v)) return d * v;
  }
}
