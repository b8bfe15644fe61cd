import { z } from 'zod';

/** The options of transforms that mix pairs of images. */
export const pairOptions = z.strictObject({
  alpha: z
    .number()
    .min(0.01)
    .max(100)
    .default(1)
    .describe('The shares of the two images have the distribution Beta(alpha, alpha); 1 is uniform.'),
  probability: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe(
      'The share of the images that are mixed. Where a job lists several transforms that mix, the first that applies is taken.',
    ),
});
