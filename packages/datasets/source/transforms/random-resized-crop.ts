import type { RandomStream } from '@distillery/engine/random';
import { z } from 'zod';
import { randomSides } from './pixels/random-box.ts';
import { rangeSchema } from './pixels/range.ts';
import { type Box, resizer } from './pixels/resize.ts';
import type { PixelTransform } from './transform.ts';

/** How often a box is tried before the whole image is taken. */
const attempts = 10;

const options = z.strictObject({
  scale: rangeSchema(1)
    .default([0.08, 1])
    .describe('The smallest and the largest share of the area that is kept.'),
  ratio: rangeSchema(100)
    .default([3 / 4, 4 / 3])
    .describe('The smallest and the largest width, divided by the height.'),
});
type Options = z.output<typeof options>;

/**
 * Inception-style crops (Szegedy et al., CVPR 2015, arXiv:1409.4842), with the defaults of torchvision's
 * `RandomResizedCrop`: an area and the logarithm of a ratio, both uniform, and a place. The part is enlarged to the size of
 * the image with bilinear interpolation.
 */
export const randomResizedCrop: PixelTransform<typeof options> = {
  type: 'random_resized_crop',
  summary: 'Cuts out a part of random area, ratio and place, and enlarges it to the size of the image.',
  reference: 'https://arxiv.org/abs/1409.4842',
  options,
  changes: 'pixels',
  open(choice, shape) {
    const enlarge = resizer(shape);
    return (image, stream, into) => enlarge(image, boxOf(choice, shape, stream), into);
  },
};

function boxOf(choice: Options, shape: readonly number[], stream: RandomStream): Box {
  const [height, width] = shape;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const [wide, high] = randomSides(choice, shape, stream);
    if (wide < 1 || high < 1 || wide > width || high > height) continue;
    const top = stream.below(height - high + 1);
    return { top, left: stream.below(width - wide + 1), height: high, width: wide };
  }
  return centre(choice.ratio, height, width);
}

/** The largest part in the middle whose ratio is allowed. */
function centre([least, most]: readonly number[], height: number, width: number): Box {
  const ratio = width / height;
  const wide = ratio > most ? Math.max(1, Math.round(height * most)) : width;
  const high = ratio < least ? Math.max(1, Math.round(width / least)) : height;
  return { top: (height - high) >> 1, left: (width - wide) >> 1, height: high, width: wide };
}
