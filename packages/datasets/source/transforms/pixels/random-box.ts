import type { RandomStream } from '@distillery/engine/random';

/** A range of numbers: the smallest and the largest. */
type Range = readonly number[];

/**
 * Draws a share of an area and a ratio of sides, the logarithm of which is uniform, as Inception-style crops and random erasing
 * do.
 *
 * @returns the side that the ratio multiplies and the other one, in whole pixels
 */
export function randomSides(
  { scale, ratio }: { scale: Range; ratio: Range },
  [height, width]: readonly number[],
  stream: RandomStream,
): [number, number] {
  const area = height * width * between(scale, stream);
  const aspect = Math.exp(between(ratio.map(Math.log), stream));
  return [Math.round(Math.sqrt(area * aspect)), Math.round(Math.sqrt(area / aspect))];
}

function between([least, most]: Range, stream: RandomStream): number {
  return least + (most - least) * stream.uniform();
}
