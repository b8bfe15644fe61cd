import type { RandomStream } from '@distillery/engine/random';
import { z } from 'zod';
import { randomSides } from './pixels/random-box.ts';
import { rangeSchema } from './pixels/range.ts';
import type { PixelTransform } from './transform.ts';

/** How often a rectangle is tried before the image is left as it is. */
const attempts = 10;

const options = z.strictObject({
  probability: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('The share of the images that lose a rectangle.'),
  scale: rangeSchema(1)
    .default([0.02, 0.33])
    .describe('The smallest and the largest share of the area that is erased.'),
  ratio: rangeSchema(100)
    .default([0.3, 3.3])
    .describe('The smallest and the largest height of the rectangle, divided by its width.'),
  fill: z
    .union([z.literal('random'), z.int().min(0).max(255)])
    .default('random')
    .describe(
      'What replaces the rectangle: random bytes, which work best in the paper, or one value; 0 is black.',
    ),
});
type Options = z.output<typeof options>;

/**
 * Random erasing (Zhong et al., AAAI 2020, arXiv:1708.04896) with the probability and the areas of torchvision's
 * `RandomErasing`: an area and the logarithm of a ratio, both uniform, and a place.
 */
export const randomErasing: PixelTransform<typeof options> = {
  type: 'random_erasing',
  summary: 'Replaces a rectangle of random area, ratio and place.',
  reference: 'https://arxiv.org/abs/1708.04896',
  options,
  changes: 'pixels',
  open: (choice, shape) => (image, stream, into) => {
    into.set(image);
    if (stream.uniform() < choice.probability) erase(choice, shape, stream, into);
  },
};

function erase(choice: Options, shape: readonly number[], stream: RandomStream, into: Uint8Array): void {
  const [height, width, channels] = shape;
  const { fill } = choice;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const [high, wide] = randomSides(choice, shape, stream);
    if (high < 1 || wide < 1 || high >= height || wide >= width) continue;
    const top = stream.below(height - high + 1);
    const left = stream.below(width - wide + 1);
    for (let y = top; y < top + high; y++) {
      const from = (y * width + left) * channels;
      const row = into.subarray(from, from + wide * channels);
      if (fill !== 'random') row.fill(fill);
      else for (let i = 0; i < row.length; i++) row[i] = stream.below(256);
    }
    return;
  }
}
