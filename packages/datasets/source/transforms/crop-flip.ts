import { sampleShifted } from './sample-shifted.ts';
import type { Transform } from './transform.ts';

/** The largest shift of an image in each direction, in pixels. */
const reach = 4;

export const cropFlip: Transform = {
  type: 'crop_flip',
  summary: 'Pads by 4 black pixels, crops at random to the original size, and flips half of the images.',
  apply(image, shape, stream, into) {
    const mirrored = stream.below(2) === 1;
    const down = stream.below(2 * reach + 1) - reach;
    const right = stream.below(2 * reach + 1) - reach;
    sampleShifted(image, shape, { mirrored, down, right }, into);
  },
};
