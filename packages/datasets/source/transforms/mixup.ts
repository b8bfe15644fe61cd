import { betaNumber } from './pairs/beta.ts';
import { pairOptions } from './pairs/options.ts';
import type { PairTransform } from './transform.ts';

/**
 * mixup (Zhang et al., ICLR 2018, arXiv:1710.09412): λ·x_a + (1 − λ)·x_b, with λ of Beta(α, α), rounded to the nearest byte,
 * and the same shares of the labels. Each image has its own partner and λ.
 */
export const mixup: PairTransform<typeof pairOptions> = {
  type: 'mixup',
  summary:
    'Mixes each image with another training image by a random share, and their labels by the same share.',
  formula: 'λ·x_a + (1 − λ)·x_b, λ·y_a + (1 − λ)·y_b, λ ~ Beta(α, α)',
  reference: 'https://arxiv.org/abs/1710.09412',
  options: pairOptions,
  changes: 'pairs',
  open:
    ({ alpha }) =>
    (image, partner, stream, into) => {
      const share = betaNumber(alpha, stream);
      // Adding a half before the fraction is cut off rounds to the nearest byte.
      for (let i = 0; i < image.length; i++) into[i] = partner[i] + (image[i] - partner[i]) * share + 0.5;
      return share;
    },
};
