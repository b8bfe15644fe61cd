import { DistilleryError } from '@distillery/spec';

/** Returns the values of a header such as `Accept`, in lower case, with their qualities (RFC 9110, 12.4.2). */
export function weighted(header: string): { value: string; quality: number }[] {
  return header.split(',').map((part) => {
    const [value = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
    const quality = parameters.find((one) => one.startsWith('q='))?.slice(2);
    return { value, quality: quality === undefined ? 1 : Number(quality) || 0 };
  });
}

/**
 * Returns the offered media type that the `Accept` header prefers; of several with the same quality, the first.
 *
 * @throws DistilleryError `not_acceptable`
 */
export function preferred<T extends string>(accept: string | undefined, offered: readonly T[]): T {
  const ranges = weighted(accept ?? '*/*');
  // The most specific range that covers the type decides.
  const qualityOf = (type: string): number => {
    for (const range of [type, `${type.split('/')[0]}/*`, '*/*']) {
      const matching = ranges.find((one) => one.value === range);
      if (matching !== undefined) return matching.quality;
    }
    return 0;
  };
  const best = offered.reduce((a, b) => (qualityOf(b) > qualityOf(a) ? b : a));
  if (qualityOf(best) > 0) return best;
  throw new DistilleryError('not_acceptable', `${accept} names none of ${offered.join(', ')}`);
}
