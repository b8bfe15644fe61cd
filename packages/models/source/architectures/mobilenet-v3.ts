import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { zero } from '../convolution.ts';
import { convNorm, invertedResidual, multipleOf8 } from '../inverted-residual.ts';
import { stemOption } from '../stem.ts';

const options = z.strictObject({
  size: z.enum(['small', 'large']).default('large').describe('Which of the two networks of the paper.'),
  stem: stemOption('no stride in the first convolution and in the first block that has one'),
  dropout: z.number().min(0).lt(1).default(0.2).describe('Dropout rate before the last layer.'),
});

/** A block: kernel, expanded channels, channels, squeeze-and-excitation, hard swish instead of ReLU, stride. */
type Row = readonly [number, number, number, boolean, boolean, number];

/** The blocks of the paper's tables 1 and 2, and the channels of the last layers. */
const sizes: Record<'small' | 'large', { blocks: readonly Row[]; last: number }> = {
  small: {
    blocks: [
      [3, 16, 16, true, false, 2],
      [3, 72, 24, false, false, 2],
      [3, 88, 24, false, false, 1],
      [5, 96, 40, true, true, 2],
      [5, 240, 40, true, true, 1],
      [5, 240, 40, true, true, 1],
      [5, 120, 48, true, true, 1],
      [5, 144, 48, true, true, 1],
      [5, 288, 96, true, true, 2],
      [5, 576, 96, true, true, 1],
      [5, 576, 96, true, true, 1],
    ],
    last: 1024,
  },
  large: {
    blocks: [
      [3, 16, 16, false, false, 1],
      [3, 64, 24, false, false, 2],
      [3, 72, 24, false, false, 1],
      [5, 72, 40, true, false, 2],
      [5, 120, 40, true, false, 1],
      [5, 120, 40, true, false, 1],
      [3, 240, 80, false, true, 2],
      [3, 200, 80, false, true, 1],
      [3, 184, 80, false, true, 1],
      [3, 184, 80, false, true, 1],
      [3, 480, 112, true, true, 1],
      [3, 672, 112, true, true, 1],
      [5, 672, 160, true, true, 2],
      [5, 960, 160, true, true, 1],
      [5, 960, 160, true, true, 1],
    ],
    last: 1280,
  },
};

/** BatchNorm of the paper's and torchvision's code. */
const norm = { epsilon: 0.001, momentum: 0.01 };

/**
 * MobileNetV3 (Howard et al., ICCV 2019, arXiv:1905.02244) with torchvision's names, so that its weights load. With
 * 1000 classes, large has 5.48 M parameters and small 2.54 M. The taps `stage1`… are the last maps of each resolution.
 */
export const mobilenetV3: Architecture<typeof options> = {
  type: 'mobilenet_v3',
  summary: 'MobileNetV3, small and large, in which weights of torchvision load.',
  reference: 'https://arxiv.org/abs/1905.02244',
  options,
  forward(net, image, { size, stem, dropout }, { classes }) {
    const { blocks, last } = sizes[size];
    const first = { out: 16, kernel: 3, stride: stem === 'small' ? 1 : 2 };
    let x = convNorm(net, 'features.0', image, { ...first, activation: 'hard_swish', norm });
    const firstStride = blocks.findIndex(([, , , , , stride]) => stride > 1);
    let stage = 0;
    for (const [index, [kernel, expanded, out, excited, swish, stride]] of blocks.entries()) {
      const activation = swish ? 'hard_swish' : 'relu';
      x = invertedResidual(net, `features.${index + 1}.block`, x, {
        kernel,
        expanded,
        out,
        stride: stem === 'small' && index === firstStride ? 1 : stride,
        activation,
        norm,
        excitation: excited
          ? { squeeze: multipleOf8(expanded / 4), activation: 'relu', gate: 'hard_sigmoid' }
          : undefined,
      });
      const isLast = index === blocks.length - 1;
      if (isLast || blocks[index + 1][5] > 1) net.tap(`stage${++stage}`, x);
    }
    const wide = { out: 6 * net.shape(x)[2], kernel: 1 };
    x = convNorm(net, `features.${blocks.length + 1}`, x, { ...wide, activation: 'hard_swish', norm });
    const initial = { initialWeight: { type: 'normal', deviation: 0.01 }, initialBias: zero } as const;
    const hidden = net.linear('classifier.0', net.globalAveragePool(x), { out: last, ...initial });
    const features = net.tap('features', net.activate(hidden, 'hard_swish'));
    const kept = net.dropout('classifier.2', features, dropout);
    return net.tap('logits', net.linear('classifier.3', kept, { out: classes, ...initial }));
  },
};
