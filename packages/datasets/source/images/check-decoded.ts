import type { Dataset } from '../dataset.ts';
import type { Layout } from './image-layout.ts';

const total = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0);

/**
 * Refuses images of which too many were lost.
 *
 * @param decoded the number of images of each label in each split
 * @throws RangeError that names the first ones when a class has no image left to train on, no test image or no given
 *   validation image is left, or more than half of all are lost
 */
export function checkDecoded(
  { classes, train, validation, test, unlabeled = [] }: Layout,
  {
    skipped,
    decoded,
  }: { skipped: Dataset['skipped']; decoded: Record<'train' | 'validation' | 'test', number[]> },
): void {
  const named = skipped.first.slice(0, 5).map(({ name, reason }) => `${name}: ${reason}`);
  const why = named.length === 0 ? '' : ` (${named.join('; ')})`;
  const lost = classes.filter((_, label) => decoded.train[label] === 0);
  const kept = { train: total(decoded.train), test: total(decoded.test) };
  if (kept.train + kept.test === 0) throw new RangeError(`no image could be decoded${why}`);
  if (lost.length > 0)
    throw new RangeError(`no image of ${lost.slice(0, 10).join(', ')} could be decoded${why}`);
  if (kept.test === 0) throw new RangeError(`no image of the test split could be decoded${why}`);
  if (validation.length > 0 && total(decoded.validation) === 0)
    throw new RangeError(`no image of the validation split could be decoded${why}`);
  const found = train.length + validation.length + test.length + unlabeled.length;
  if (skipped.count > found / 2)
    throw new RangeError(`${skipped.count} of ${found} images could not be decoded, more than half${why}`);
}
