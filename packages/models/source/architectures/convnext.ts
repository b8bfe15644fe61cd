import type { Net } from '@distillery/engine';
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { zero } from '../convolution.ts';
import { linear, small } from '../encoder.ts';

const options = z.strictObject({
  size: z
    .enum(['tiny', 'small', 'base'])
    .default('tiny')
    .describe('Size of the network: the channels of "base" are wider, and "small" and "base" are deeper.'),
  patch: z
    .literal([1, 2, 4])
    .default(4)
    .describe(
      'Side of a square patch in pixels that becomes one position of the first map. The paper takes 4; images of about 32×32 need 1 or 2.',
    ),
  stochasticDepth: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe(
      'Probability that the last block is skipped in training; that of the others grows linearly from 0. The paper takes 0.1 for tiny.',
    ),
});

const sizes = {
  tiny: { channels: [96, 192, 384, 768], blocks: [3, 3, 9, 3] },
  small: { channels: [96, 192, 384, 768], blocks: [3, 3, 27, 3] },
  base: { channels: [128, 256, 512, 1024], blocks: [3, 3, 27, 3] },
};

/** The ε of LayerNorm. */
const epsilon = 1e-6;
/** What each block is multiplied by at first. */
const layerScale = 1e-6;
const initial = { initialWeight: small, initialBias: zero };

/**
 * ConvNeXt (Liu et al., CVPR 2022, arXiv:2201.03545) with torchvision's names, so that its weights load. With 1000
 * classes, tiny has 28.6 M parameters. The taps `stage1`… are the maps behind the stages.
 */
export const convnext: Architecture<typeof options> = {
  type: 'convnext',
  summary: 'ConvNeXt, tiny to base, in which weights of torchvision load.',
  reference: 'https://arxiv.org/abs/2201.03545',
  options,
  forward(net, image, { size, patch, stochasticDepth }, { classes }) {
    const { channels, blocks } = sizes[size];
    const all = blocks.reduce((sum, count) => sum + count);
    let before = 0;
    const stem = { out: channels[0], kernel: patch, stride: patch, ...initial };
    let x = net.layerNorm('features.0.1', net.conv('features.0.0', image, stem), { epsilon });
    for (const [index, count] of blocks.entries()) {
      if (index > 0) {
        const name = `features.${2 * index}`;
        const half = { out: channels[index], kernel: 2, stride: 2, ...initial };
        x = net.conv(`${name}.1`, net.layerNorm(`${name}.0`, x, { epsilon }), half);
      }
      for (let block = 0; block < count; block++) {
        const rate = (stochasticDepth * before++) / (all - 1);
        x = residual(net, `features.${2 * index + 1}.${block}`, x, rate);
      }
      net.tap(`stage${index + 1}`, x);
    }
    const features = net.tap(
      'features',
      net.layerNorm('classifier.0', net.globalAveragePool(x), { epsilon }),
    );
    return net.tap('logits', linear(net, 'classifier.2', features, classes));
  },
};

/** A 7×7 filter of each channel and a two-layer MLP at each position, with a shortcut. */
function residual<T>(net: Net<T>, name: string, x: T, rate: number): T {
  const channels = net.shape(x)[2];
  const filtered = net.depthwise(`${name}.block.0`, x, { kernel: 7, padding: 3, bias: true, ...initial });
  const inner = net.layerNorm(`${name}.block.2`, filtered, { epsilon });
  const wide = net.gelu(linear(net, `${name}.block.3`, inner, 4 * channels));
  const outer = linear(net, `${name}.block.5`, wide, channels);
  const scaled = net.channelScale(`${name}.layer_scale`, outer, layerScale);
  return net.add(net.dropPath(name, scaled, rate), x);
}
