import { z } from 'zod';

/** Options of transforms that move pixels. */
export const fillSchema = z
  .int()
  .min(0)
  .max(255)
  .default(0)
  .describe('The value, in every channel, of pixels that come from outside of the image; 0 is black.');

export const interpolationSchema = z
  .enum(['nearest', 'bilinear'])
  .default('nearest')
  .describe(
    'How images are sampled that are turned or sheared: `nearest` takes the pixel that is hit, `bilinear` the weighted mean of the four around it.',
  );

export type Interpolation = z.output<typeof interpolationSchema>;
