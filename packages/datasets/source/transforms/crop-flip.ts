import { sampleShifted } from './sample-shifted.ts';
import type { Transform } from './transform.ts';

/** Pixels that an image may move either way. */
const reach = 4;

export const cropFlip: Transform = {
  type: 'crop_flip',
  summary: '4 pixels of zero padding, a crop of the old size at random, then a flip',
  apply(image, shape, stream, into) {
    const mirrored = stream.below(2) === 1;
    const down = stream.below(2 * reach + 1) - reach;
    const right = stream.below(2 * reach + 1) - reach;
    sampleShifted(image, shape, { mirrored, down, right }, into);
  },
};
