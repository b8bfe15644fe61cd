import { DistilleryError } from '@distillery/spec';

/**
 * The offered media type that `Accept` likes best; among equals the one that is offered first.
 * @throws DistilleryError `not_acceptable`
 */
export function preferred<T extends string>(accept: string | undefined, offered: readonly T[]): T {
  const wishes = (accept ?? '*/*').split(',').map((part) => {
    const [range = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
    const quality = parameters.find((one) => one.startsWith('q='))?.slice(2);
    return { range, quality: quality === undefined ? 1 : Number(quality) || 0 };
  });
  /** The most specific range that covers the type decides. */
  const liking = (type: string): number => {
    for (const range of [type, `${type.split('/')[0]}/*`, '*/*']) {
      const wish = wishes.find((one) => one.range === range);
      if (wish !== undefined) return wish.quality;
    }
    return 0;
  };
  const best = offered.reduce((a, b) => (liking(b) > liking(a) ? b : a));
  if (liking(best) > 0) return best;
  throw new DistilleryError('not_acceptable', `${accept} names none of ${offered.join(', ')}`);
}
