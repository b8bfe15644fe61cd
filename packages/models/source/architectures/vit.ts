import type { Net } from '@distillery/engine';
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { encoder, linear, small } from '../encoder.ts';

const options = z.strictObject({
  size: z
    .literal(['tiny', 'small'])
    .default('tiny')
    .describe(
      'Size of the network: "tiny" has width 192, 12 layers and 3 heads; "small" has width 384, 12 layers and 6 heads.',
    ),
  patch: z
    .int()
    .min(1)
    .max(64)
    .default(4)
    .describe('Side of a square patch in pixels, which must divide the height and width of the image.'),
  width: z
    .int()
    .min(1)
    .max(4096)
    .optional()
    .describe('Width of each token, which must be a multiple of heads. Overrides size.'),
  depth: z.int().min(1).max(64).optional().describe('Number of layers. Overrides size.'),
  heads: z
    .int()
    .min(1)
    .max(64)
    .optional()
    .describe('Number of attention heads in each layer. Overrides size.'),
  mlpRatio: z
    .number()
    .min(0.25)
    .max(16)
    .default(4)
    .describe('Units of the hidden layer of each MLP, as a multiple of width.'),
  dropout: z.number().min(0).lt(1).default(0).describe('Dropout rate of embeddings, attention and MLPs.'),
  distillationToken: z
    .boolean()
    .default(false)
    .describe(
      'Whether to add a distillation token with a separate head, for the term deit_hard. The logits are the mean of the two heads.',
    ),
});

const sizes = {
  tiny: { width: 192, depth: 12, heads: 3 },
  small: { width: 384, depth: 12, heads: 6 },
};

/** The ε of LayerNorm in ViT code. */
const epsilon = 1e-6;

/**
 * Vision transformers (Dosovitskiy et al., ICLR 2021, arXiv:2010.11929) in the sizes of DeiT (Touvron et al., ICML
 * 2021, arXiv:2012.12877). With images of 224×224 pixels, patches of 16 and 1000 classes, tiny has 5.7 M parameters and
 * small 22.1 M. The architecture has no prior that neighbouring pixels belong together, so it learns little from a few
 * thousand images without a teacher.
 *
 * With the distillation token the taps `class` and `distillation` are the logits of the two heads and `logits` is their
 * mean, also in training, so labels on `logits` train both heads. The paper's loss is cross_entropy on `class` and
 * deit_hard on `distillation`.
 */
export const vit: Architecture<typeof options> = {
  type: 'vit',
  summary: 'Vision transformers in the sizes of DeiT, tiny and small, with an optional distillation token.',
  reference: 'https://arxiv.org/abs/2012.12877',
  options,
  forward(net, image, { size, patch, mlpRatio, dropout, distillationToken, ...own }, { classes }) {
    const { width = sizes[size].width, depth = sizes[size].depth, heads = sizes[size].heads } = own;
    let x = patches(net, image, patch, width);
    if (distillationToken) x = net.prepend('dist_token', x, small);
    x = net.positions('pos_embed', net.prepend('cls_token', x, small), small);
    x = net.dropout('pos_drop', x, dropout);
    x = encoder(net, x, { depth, heads, mlpRatio, dropout, norm: 'pre', epsilon });
    x = net.layerNorm('norm', x, { epsilon });
    const features = net.tap('features', net.token(x, 0));
    const logits = linear(net, 'head', features, classes);
    if (!distillationToken) return net.tap('logits', logits);
    const distilled = linear(net, 'head_dist', net.token(x, 1), classes);
    const sum = net.add(net.tap('class', logits), net.tap('distillation', distilled));
    return net.tap('logits', net.scale(sum, 0.5));
  },
};

/**
 * Applies a linear layer to each patch: `[height, width, channels]` → `[patches, width]`.
 *
 * @throws RangeError if the patches do not tile the image
 */
function patches<T>(net: Net<T>, image: T, patch: number, width: number): T {
  const [height, across] = net.shape(image);
  if (height % patch !== 0 || across % patch !== 0) {
    throw new RangeError(`patches of ${patch}×${patch} pixels do not tile an image of ${height}×${across}`);
  }
  return net.tokens(net.conv('patch_embed.proj', image, { out: width, kernel: patch, stride: patch }));
}
