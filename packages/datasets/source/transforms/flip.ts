import { z } from 'zod';
import { sampleShifted } from './pixels/sample-shifted.ts';
import type { PixelTransform } from './transform.ts';

const options = z.strictObject({
  probability: z.number().min(0).max(1).default(0.5).describe('The share of the images that are mirrored.'),
});

export const flip: PixelTransform<typeof options> = {
  type: 'flip',
  summary: 'Mirrors a random half of the images left to right.',
  options,
  changes: 'pixels',
  open:
    ({ probability }, shape) =>
    (image, stream, into) => {
      const mirrored = stream.uniform() >= 1 - probability;
      sampleShifted(image, shape, { mirrored, down: 0, right: 0 }, into);
    },
};
