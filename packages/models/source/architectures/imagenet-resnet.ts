import type { Net } from '@distillery/engine';
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { convolution } from '../convolution.ts';
import { stemOption } from '../stem.ts';

const options = z.strictObject({
  depth: z.literal([18, 34, 50, 101, 152]).default(18).describe('Number of layers.'),
  stem: stemOption('a 3×3 convolution without a stride and without pooling, as for CIFAR'),
});

/** The blocks of each stage, and whether they are bottlenecks. */
const sizes = {
  18: { blocks: [2, 2, 2, 2], bottleneck: false },
  34: { blocks: [3, 4, 6, 3], bottleneck: false },
  50: { blocks: [3, 4, 6, 3], bottleneck: true },
  101: { blocks: [3, 4, 23, 3], bottleneck: true },
  152: { blocks: [3, 8, 36, 3], bottleneck: true },
};

/**
 * The residual networks for ImageNet (He et al., 2016, arXiv:1512.03385) with torchvision's names, so that its weights
 * load: bottlenecks have their stride in the 3×3 convolution. With 1000 classes, depth 18 has 11.7 M parameters and
 * depth 50 25.6 M.
 */
export const imagenetResnet: Architecture<typeof options> = {
  type: 'imagenet_resnet',
  summary: 'The residual networks for ImageNet with 18 to 152 layers, in which weights of torchvision load.',
  reference: 'https://arxiv.org/abs/1512.03385',
  options,
  forward(net, image, { depth, stem }, { classes }) {
    const { blocks, bottleneck } = sizes[depth];
    const small = stem === 'small';
    const first = convolution(net, 'conv1', image, {
      out: 64,
      kernel: small ? 3 : 7,
      stride: small ? 1 : 2,
    });
    let x = net.tap('stem', net.relu(net.batchNorm('bn1', first)));
    if (!small) x = net.maxPool(x, { size: 3, stride: 2, padding: 1 });
    for (const [index, count] of blocks.entries()) {
      for (let block = 0; block < count; block++) {
        const stride = index > 0 && block === 0 ? 2 : 1;
        const inner = 64 * 2 ** index;
        const sum = residual(net, `layer${index + 1}.${block}`, x, { inner, stride, bottleneck });
        if (block === count - 1) net.tap(`stage${index + 1}_pre`, sum);
        x = net.relu(sum);
      }
      net.tap(`stage${index + 1}`, x);
    }
    const features = net.tap('features', net.globalAveragePool(x));
    return net.tap('logits', net.linear('fc', features, { out: classes }));
  },
};

/** Two or three convolutions with a shortcut, before the last ReLU. */
function residual<T>(
  net: Net<T>,
  name: string,
  x: T,
  { inner, stride, bottleneck }: { inner: number; stride: number; bottleneck: boolean },
): T {
  const layer = (part: string, bn: string, map: T, shape: { out: number; kernel: number; stride?: number }) =>
    net.batchNorm(`${name}.${bn}`, convolution(net, `${name}.${part}`, map, shape));
  const out = bottleneck ? 4 * inner : inner;
  const layers = bottleneck
    ? [
        { out: inner, kernel: 1 },
        { out: inner, kernel: 3, stride },
        { out, kernel: 1 },
      ]
    : [
        { out, kernel: 3, stride },
        { out, kernel: 3 },
      ];
  const fits = stride === 1 && net.shape(x)[2] === out;
  let y = x;
  for (const [index, shape] of layers.entries()) {
    if (index > 0) y = net.relu(y);
    y = layer(`conv${index + 1}`, `bn${index + 1}`, y, shape);
  }
  return net.add(y, fits ? x : layer('downsample.0', 'downsample.1', x, { out, kernel: 1, stride }));
}
