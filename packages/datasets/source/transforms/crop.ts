import { z } from 'zod';
import { fillSchema } from './pixels/fill.ts';
import { sampleShifted } from './pixels/sample-shifted.ts';
import type { PixelTransform } from './transform.ts';

const options = z.strictObject({
  padding: z.int().min(1).max(256).default(4).describe('Pixels that are added on every side.'),
  fill: fillSchema,
});

/** Random crops of padded images, as He et al. (CVPR 2016, arXiv:1512.03385) train on CIFAR-10. */
export const crop: PixelTransform<typeof options> = {
  type: 'crop',
  summary: 'Pads images on every side and crops them at random to their original size.',
  reference: 'https://arxiv.org/abs/1512.03385',
  options,
  changes: 'pixels',
  open:
    ({ padding, fill }, shape) =>
    (image, stream, into) => {
      const down = stream.below(2 * padding + 1) - padding;
      const right = stream.below(2 * padding + 1) - padding;
      sampleShifted(image, shape, { mirrored: false, down, right, fill }, into);
    },
};
