import type { Net } from '@distillery/engine';
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { convolution } from '../convolution.ts';

const options = z.strictObject({
  depth: z.literal([8, 14, 20, 32, 44, 56, 110]).default(20).describe('Number of layers.'),
  width: z
    .literal([1, 4])
    .default(1)
    .describe(
      'Width factor: 1 gives stages of 16, 32 and 64 channels; 4 gives 64, 128 and 256, the 8x4 and 32x4 of the literature.',
    ),
});

/** Channels of the stem and of the three stages. */
const channels = { 1: [16, 16, 32, 64], 4: [32, 64, 128, 256] };

/**
 * Residual networks for small images (He et al., 2016, section 4.2, arXiv:1512.03385), with 1×1 convolutions where a
 * shortcut changes shape. With 100 classes, depth 20 has 0.28 M parameters, 56 0.86 M, 110 1.74 M, 8x4 1.23 M and 32x4
 * 7.43 M.
 */
export const resnet: Architecture<typeof options> = {
  type: 'resnet',
  summary: 'Residual networks for small images, with 8 to 110 layers, and the wider 8x4 and 32x4.',
  reference: 'https://arxiv.org/abs/1512.03385',
  options,
  forward(net, image, { depth, width }, { classes }) {
    const [stem, ...stages] = channels[width];
    const blocks = (depth - 2) / 6;
    const first = convolution(net, 'conv1', image, { out: stem, kernel: 3 });
    let x = net.tap('stem', net.relu(net.batchNorm('bn1', first)));
    for (const [index, out] of stages.entries()) {
      for (let block = 0; block < blocks; block++) {
        const stride = index > 0 && block === 0 ? 2 : 1;
        const sum = residual(net, `layer${index + 1}.${block}`, x, { out, stride });
        if (block === blocks - 1) net.tap(`stage${index + 1}_pre`, sum);
        x = net.relu(sum);
      }
      net.tap(`stage${index + 1}`, x);
    }
    const features = net.tap('features', net.globalAveragePool(x));
    return net.tap('logits', net.linear('fc', features, { out: classes }));
  },
};

/** Two convolutions with a shortcut, before the last ReLU. */
function residual<T>(net: Net<T>, name: string, x: T, { out, stride }: { out: number; stride: number }): T {
  const layer = (part: string, bn: string, map: T, kernel: number, step: number) =>
    net.batchNorm(`${name}.${bn}`, convolution(net, `${name}.${part}`, map, { out, kernel, stride: step }));
  const inner = net.relu(layer('conv1', 'bn1', x, 3, stride));
  const outer = layer('conv2', 'bn2', inner, 3, 1);
  const fits = stride === 1 && net.shape(x)[2] === out;
  return net.add(outer, fits ? x : layer('downsample.0', 'downsample.1', x, 1, stride));
}
