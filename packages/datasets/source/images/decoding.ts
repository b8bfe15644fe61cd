import { randomStream } from '@distillery/engine';
import { z } from 'zod';
import { type DatasetContext, defaultDiskBytes } from '../dataset.ts';
import { keptSamples, type Limits } from '../limits.ts';
import type { Layout } from './image-layout.ts';
import type { ImageTarget } from './image-options.ts';

/** Sets of at most so many decoded bytes are decoded before the first step, unless `decoding` says otherwise. */
const aheadBytes = 2 * 2 ** 30;

/** The options of sources of images that say when they are decoded. */
export const decodingOptions = {
  decoding: z
    .enum(['ahead', 'on_read'])
    .optional()
    .describe(
      'When images are decoded: `ahead` of the first step, all of them; or `on_read`, when a batch needs them, which begins at once ' +
        'at any size and keeps decoded images on the disk as `DATA_DISK` allows. Default: `ahead` for at most 2 GiB of decoded images.',
    ),
};
export type Decoding = 'ahead' | 'on_read';

/** The images of a layout within the limits, in the order of the data set. */
export function chosenLayout<L extends Layout>(
  layout: L,
  { trainLimit, testLimit }: Limits,
  decoding: Decoding,
): L {
  const chosen = (split: 'train' | 'test', limit: number | undefined) => {
    const samples = layout[split];
    const kept = keptSamples(
      Int32Array.from(samples, ({ label }) => label),
      limit,
    );
    const some = kept === undefined ? samples : Array.from(kept, (index) => samples[index]);
    // A layout has one class after the other, of which a window of an epoch would hold only a few.
    return decoding === 'ahead' ? some : randomStream(0, 'places', split).shuffle([...some]);
  };
  const { unlabeled } = layout;
  return {
    ...layout,
    train: chosen('train', trainLimit),
    test: chosen('test', testLimit),
    ...(unlabeled &&
      decoding === 'on_read' && {
        unlabeled: randomStream(0, 'places', 'unlabeled').shuffle([...unlabeled]),
      }),
  };
}

/**
 * When the images of a layout are decoded.
 *
 * @throws RangeError where the disk's bound does not allow what was chosen
 */
export function decodingOf(
  layout: Layout,
  { trainLimit = Infinity, testLimit = Infinity, decoding }: Limits & { decoding?: Decoding | undefined },
  target: ImageTarget,
  context: Pick<DatasetContext, 'diskBytes'>,
): Decoding {
  const { train, validation, test, unlabeled = [] } = layout;
  const apart = validation.length + unlabeled.length;
  const images = Math.min(train.length, trainLimit) + apart + Math.min(test.length, testLimit);
  const bytes = images * target.size[0] * target.size[1] * target.channels;
  // What a worker may keep does not decide: all workers must read the same samples in the same order.
  const chosen = decoding ?? (bytes <= aheadBytes ? 'ahead' : 'on_read');
  if (chosen === 'ahead') refuseBeyondDisk(bytes, context, '"decoding": "on_read", or a smaller "size"');
  return chosen;
}

/** @throws RangeError with the remedy where the disk's bound does not allow so many decoded bytes */
export function refuseBeyondDisk(
  bytes: number,
  { diskBytes = defaultDiskBytes }: Pick<DatasetContext, 'diskBytes'>,
  remedy: string,
): void {
  if (bytes > diskBytes)
    throw new RangeError(
      `would decode to ${bytes} bytes, more than the ${diskBytes} that the setting DATA_DISK allows; choose ${remedy}`,
    );
}
