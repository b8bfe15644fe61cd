import { sampleShifted } from './sample-shifted.ts';
import type { Transform } from './transform.ts';

export const flip: Transform = {
  type: 'flip',
  summary: 'Mirrors a random half of the images left to right.',
  apply(image, shape, stream, into) {
    sampleShifted(image, shape, { mirrored: stream.below(2) === 1, down: 0, right: 0 }, into);
  },
};
