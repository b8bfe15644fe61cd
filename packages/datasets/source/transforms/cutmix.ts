import { betaNumber } from './pairs/beta.ts';
import { pairOptions } from './pairs/options.ts';
import type { PairTransform } from './transform.ts';

/**
 * CutMix (Yun et al., ICCV 2019, arXiv:1905.04899): a box of the partner replaces that of the image. Its sides are √(1 − λ) of
 * the image's, with λ of Beta(α, α), its centre is anywhere, and what lies outside of the image is cut off. The share of the
 * image's label is that of the pixels that are left. Each image has its own partner and box.
 */
export const cutmix: PairTransform<typeof pairOptions> = {
  type: 'cutmix',
  summary:
    'Replaces a random box of each image by that of another training image, and mixes their labels by area.',
  formula: 'M ⊙ x_a + (1 − M) ⊙ x_b, λ·y_a + (1 − λ)·y_b, λ = mean M',
  reference: 'https://arxiv.org/abs/1905.04899',
  options: pairOptions,
  changes: 'pairs',
  open:
    ({ alpha }, [height, width, channels]) =>
    (image, partner, stream, into) => {
      const side = Math.sqrt(1 - betaNumber(alpha, stream));
      const [left, right] = cut(width, side, stream.below(width));
      const [top, bottom] = cut(height, side, stream.below(height));
      into.set(image);
      for (let y = top; y < bottom; y++) {
        const [from, to] = [left, right].map((x) => (y * width + x) * channels);
        into.set(partner.subarray(from, to), from);
      }
      return 1 - ((right - left) * (bottom - top)) / (height * width);
    },
};

/** The part of an axis that a box covers, as the authors' code cuts it. */
function cut(size: number, share: number, centre: number): [number, number] {
  const half = Math.floor(Math.floor(size * share) / 2);
  return [Math.max(0, centre - half), Math.min(size, centre + half)];
}
