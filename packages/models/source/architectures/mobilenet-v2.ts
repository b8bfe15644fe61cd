import type { Net } from '@distillery/engine';
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { convolution, depthwise, heNormal, zero } from '../convolution.ts';

const options = z.strictObject({
  width: z
    .literal([0.5, 1])
    .default(0.5)
    .describe('Factor by which the channels of every map except the last are multiplied.'),
});

/** Groups of blocks, with the channels at width 1. `stage` names the tap of a group's output. */
const groups = [
  { expansion: 1, channels: 16, blocks: 1, stride: 1 },
  { expansion: 6, channels: 24, blocks: 2, stride: 1, stage: 'stage1' },
  { expansion: 6, channels: 32, blocks: 3, stride: 2, stage: 'stage2' },
  { expansion: 6, channels: 64, blocks: 4, stride: 2 },
  { expansion: 6, channels: 96, blocks: 3, stride: 1, stage: 'stage3' },
  { expansion: 6, channels: 160, blocks: 3, stride: 2 },
  { expansion: 6, channels: 320, blocks: 1, stride: 1, stage: 'stage4' },
];

/**
 * MobileNetV2 (Sandler et al., 2018, arXiv:1801.04381) in the variant of the literature on distillation for small
 * images: ReLU instead of ReLU6, and stride 1 in the second group. Its stages end without a ReLU. With 100 classes,
 * half width has 0.81 M parameters.
 */
export const mobilenetV2: Architecture<typeof options> = {
  type: 'mobilenet_v2',
  summary:
    'MobileNetV2: inverted residuals with depthwise convolutions, by default of half width as in the literature on distillation.',
  reference: 'https://arxiv.org/abs/1801.04381',
  options,
  forward(net, image, { width }, { classes }) {
    const layer = (name: string, x: typeof image, shape: { out: number; kernel: number; stride?: number }) =>
      net.relu(net.batchNorm(`${name}.1`, convolution(net, `${name}.0`, x, shape)));
    let x = net.tap('stem', layer('conv1', image, { out: 32 * width, kernel: 3, stride: 2 }));
    for (const [index, { expansion, channels, blocks, stride, stage }] of groups.entries()) {
      for (let block = 0; block < blocks; block++) {
        x = invertedResidual(net, `blocks.${index}.${block}.conv`, x, {
          out: channels * width,
          expansion,
          stride: block === 0 ? stride : 1,
        });
      }
      if (stage !== undefined) net.tap(stage, x);
    }
    x = layer('conv2', x, { out: 1280, kernel: 1 });
    const features = net.tap('features', net.globalAveragePool(x));
    const initialWeight = { type: 'normal', deviation: 0.01 } as const;
    return net.tap(
      'logits',
      net.linear('classifier.0', features, { out: classes, initialWeight, initialBias: zero }),
    );
  },
};

/**
 * Widens, filters each channel separately and narrows without a ReLU, with a shortcut where the shape stays the same.
 */
function invertedResidual<T>(
  net: Net<T>,
  name: string,
  x: T,
  { out, expansion, stride }: { out: number; expansion: number; stride: number },
): T {
  const channels = net.shape(x)[2];
  const inner = channels * expansion;
  const norm = (index: number, map: T) => net.batchNorm(`${name}.${index}`, map);
  let y = net.relu(norm(1, convolution(net, `${name}.0`, x, { out: inner, kernel: 1 })));
  y = net.relu(norm(4, depthwise(net, `${name}.3`, y, { stride, initialWeight: heNormal(3, inner) })));
  y = norm(7, convolution(net, `${name}.6`, y, { out, kernel: 1 }));
  return stride === 1 && channels === out ? net.add(x, y) : y;
}
