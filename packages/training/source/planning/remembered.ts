/**
 * Returns a function that computes its result once for each pair of objects. The generations of a student share their
 * architecture and method, so that a plan with hundreds of networks traces and binds only the different ones.
 */
export function remembered<A extends object, B extends object, Result>(
  compute: (a: A, b: B) => Result,
): (a: A, b: B) => Result {
  const results = new Map<A, Map<B, Result>>();
  return (a, b) => {
    const ofA = results.get(a) ?? new Map<B, Result>();
    results.set(a, ofA);
    const known = ofA.get(b);
    if (known !== undefined) return known;
    const result = compute(a, b);
    ofA.set(b, result);
    return result;
  };
}
