import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { zero } from '../convolution.ts';
import { convNorm, invertedResidual } from '../inverted-residual.ts';
import { stemOption } from '../stem.ts';

const options = z.strictObject({
  stem: stemOption('no stride in the first convolution and in the first block that has one'),
  dropout: z.number().min(0).lt(1).default(0.2).describe('Dropout rate before the last layer.'),
  stochasticDepth: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe(
      'Probability that the last block is skipped in training; that of the others grows linearly from 0. The paper takes 0.2.',
    ),
});

/** The stages of B0: expansion, kernel, stride, channels and number of blocks. */
const stages = [
  [1, 3, 1, 16, 1],
  [6, 3, 2, 24, 2],
  [6, 5, 2, 40, 2],
  [6, 3, 2, 80, 3],
  [6, 5, 1, 112, 3],
  [6, 5, 2, 192, 4],
  [6, 3, 1, 320, 1],
] as const;
const blocks = stages.reduce((sum, [, , , , count]) => sum + count, 0);

/**
 * EfficientNet-B0 (Tan and Le, ICML 2019, arXiv:1905.11946) with torchvision's names, so that its weights load. With
 * 1000 classes it has 5.29 M parameters. The taps `stage1`… are the last maps of each resolution.
 */
export const efficientnet: Architecture<typeof options> = {
  type: 'efficientnet',
  summary: 'EfficientNet-B0, in which weights of torchvision load.',
  reference: 'https://arxiv.org/abs/1905.11946',
  options,
  forward(net, image, { stem, dropout, stochasticDepth }, { classes }) {
    const small = stem === 'small';
    const first = { out: 32, kernel: 3, stride: small ? 1 : 2 };
    let x = convNorm(net, 'features.0', image, { ...first, activation: 'silu' });
    let before = 0;
    let tap = 0;
    for (const [index, [expansion, kernel, stride, out, count]] of stages.entries()) {
      for (let block = 0; block < count; block++) {
        const channels = net.shape(x)[2];
        x = invertedResidual(net, `features.${index + 1}.${block}.block`, x, {
          kernel,
          expanded: expansion * channels,
          out,
          stride: block > 0 || (small && index === 1) ? 1 : stride,
          activation: 'silu',
          excitation: { squeeze: Math.max(1, Math.floor(channels / 4)), activation: 'silu', gate: 'sigmoid' },
          stochasticDepth: (stochasticDepth * before++) / blocks,
        });
      }
      const [, , next] = stages[index + 1] ?? [0, 0, 2];
      if (next > 1) net.tap(`stage${++tap}`, x);
    }
    x = convNorm(net, `features.${stages.length + 1}`, x, { out: 1280, kernel: 1, activation: 'silu' });
    const features = net.tap('features', net.globalAveragePool(x));
    const kept = net.dropout('classifier.0', features, dropout);
    const initialWeight = { type: 'uniform', bound: 1 / Math.sqrt(classes) } as const;
    const last = { out: classes, initialWeight, initialBias: zero };
    return net.tap('logits', net.linear('classifier.1', kept, last));
  },
};
