import { z } from 'zod';
import { fillSchema, interpolationSchema } from './pixels/fill.ts';
import { applyAny, operations } from './pixels/operations.ts';
import type { PixelTransform } from './transform.ts';

/** The number of strengths, from 0 to the largest. */
const strengths = 31;

/** What the largest strength does to an image, as in the paper's wide space. */
const ranges = { shear: 0.99, translateX: 32, translateY: 32, rotate: 135, factor: 0.99, bits: 6 };

const options = z.strictObject({ interpolation: interpolationSchema, fill: fillSchema });

/**
 * TrivialAugment (Müller and Hutter, ICCV 2021, arXiv:2103.10158) with the wide space of operations and strengths, as
 * torchvision's `TrivialAugmentWide` has it. The largest of its 31 strengths shears by 0.99, moves by 32 pixels, turns by
 * 135°, changes the factors of brightness, colour, contrast and sharpness by 0.99, removes 6 bits and inverts every byte.
 */
export const trivialAugment: PixelTransform<typeof options> = {
  type: 'trivial_augment',
  summary: 'Applies one random operation of 14 with a random strength.',
  reference: 'https://arxiv.org/abs/2103.10158',
  options,
  changes: 'pixels',
  open(sampling, shape) {
    const all = operations(shape, ranges, sampling);
    return (image, stream, into) =>
      applyAny(all, image, stream.below(strengths) / (strengths - 1), stream, into);
  },
};
