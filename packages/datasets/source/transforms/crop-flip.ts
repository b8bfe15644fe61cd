import { z } from 'zod';
import { sampleShifted } from './pixels/sample-shifted.ts';
import type { PixelTransform } from './transform.ts';

/** The largest shift of an image in each direction, in pixels. */
const reach = 4;
const options = z.strictObject({});

export const cropFlip: PixelTransform<typeof options> = {
  type: 'crop_flip',
  summary:
    'Pads by 4 black pixels, crops at random to the original size, and flips half of the images: `crop` and `flip` in one pass.',
  reference: 'https://arxiv.org/abs/1512.03385',
  options,
  changes: 'pixels',
  open: (_options, shape) => (image, stream, into) => {
    const mirrored = stream.below(2) === 1;
    const down = stream.below(2 * reach + 1) - reach;
    const right = stream.below(2 * reach + 1) - reach;
    sampleShifted(image, shape, { mirrored, down, right }, into);
  },
};
