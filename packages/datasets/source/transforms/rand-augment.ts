import { z } from 'zod';
import { composed } from './composed.ts';
import { fillSchema, interpolationSchema } from './pixels/fill.ts';
import { applyAny, operations } from './pixels/operations.ts';
import type { Bytes, Change, PixelTransform } from './transform.ts';

/** The largest magnitude. */
const largest = 30;

const options = z.strictObject({
  operations: z
    .int()
    .min(1)
    .max(16)
    .default(2)
    .describe('How many operations change an image, one after the other (N in the paper).'),
  magnitude: z
    .number()
    .min(0)
    .max(largest)
    .default(9)
    .describe('The strength of every operation, 0 to 30 (M in the paper).'),
  interpolation: interpolationSchema,
  fill: fillSchema,
});

/**
 * RandAugment (Cubuk et al., 2020, arXiv:1909.13719) with the operations, magnitudes and defaults of torchvision's
 * `RandAugment`. Magnitude 30 shears by 0.3, moves by 150/331 of the image, turns by 30°, changes the factors of brightness,
 * colour, contrast and sharpness by 0.9, removes 4 bits and inverts every byte.
 */
export const randAugment: PixelTransform<typeof options> = {
  type: 'rand_augment',
  summary: 'Applies random operations of 14, all with one strength.',
  reference: 'https://arxiv.org/abs/1909.13719',
  options,
  changes: 'pixels',
  open({ operations: count, magnitude, interpolation, fill }, shape) {
    const [height, width] = shape;
    const ranges = {
      shear: 0.3,
      translateX: (150 / 331) * width,
      translateY: (150 / 331) * height,
      rotate: 30,
      factor: 0.9,
      bits: 4,
    };
    const all = operations(shape, ranges, { interpolation, fill });
    const length = shape.reduce((product, extent) => product * extent, 1);
    const step: Change<Bytes> = (image, stream, into) =>
      applyAny(all, image, magnitude / largest, stream, into);
    const change = composed<Bytes>(Array(count).fill(step), () => new Uint8Array(length));
    return (image, stream, into) => into.set(change(image, stream));
  },
};
