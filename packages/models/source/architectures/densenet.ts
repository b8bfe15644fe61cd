import type { Initializer, Net } from '@distillery/engine';
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { zero } from '../convolution.ts';
import { stemOption } from '../stem.ts';

const options = z.strictObject({
  depth: z.literal([121, 169, 201]).default(121).describe('Number of layers.'),
  stem: stemOption('a 3×3 convolution without a stride and without pooling'),
});

/** The layers of each dense block. */
const blocks = { 121: [6, 12, 24, 16], 169: [6, 12, 32, 32], 201: [6, 12, 48, 32] };

/** The channels that each layer adds. */
const growth = 32;

/**
 * DenseNet (Huang et al., CVPR 2017, arXiv:1608.06993) with torchvision's names, so that its weights load. With 1000
 * classes, depth 121 has 7.98 M parameters. The taps `stage1`… are the maps behind the dense blocks; the last one is
 * normalised and ends in a ReLU.
 */
export const densenet: Architecture<typeof options> = {
  type: 'densenet',
  summary: 'DenseNet with 121 to 201 layers, in which weights of torchvision load.',
  reference: 'https://arxiv.org/abs/1608.06993',
  options,
  forward(net, image, { depth, stem }, { classes }) {
    const small = stem === 'small';
    const shape = small ? { kernel: 3, stride: 1, padding: 1 } : { kernel: 7, stride: 2, padding: 3 };
    let x = conv(net, 'features.conv0', image, { out: 2 * growth, ...shape });
    x = net.relu(net.batchNorm('features.norm0', x));
    if (!small) x = net.maxPool(x, { size: 3, stride: 2, padding: 1 });
    for (const [index, layers] of blocks[depth].entries()) {
      const stage = index + 1;
      for (let layer = 1; layer <= layers; layer++)
        x = denseLayer(net, `features.denseblock${stage}.denselayer${layer}`, x);
      if (stage === blocks[depth].length) break;
      net.tap(`stage${stage}`, x);
      const name = `features.transition${stage}`;
      const out = Math.floor(net.shape(x)[2] / 2);
      x = conv(net, `${name}.conv`, net.relu(net.batchNorm(`${name}.norm`, x)), { out, kernel: 1 });
      x = net.averagePool(x, { size: 2 });
    }
    const last = net.tap('stage4_pre', net.batchNorm('features.norm5', x));
    const features = net.tap('features', net.globalAveragePool(net.tap('stage4', net.relu(last))));
    return net.tap('logits', net.linear('classifier', features, { out: classes, initialBias: zero }));
  },
};

/** Adds channels that are computed from all channels before them. */
function denseLayer<T>(net: Net<T>, name: string, x: T): T {
  const active = (norm: string, map: T) => net.relu(net.batchNorm(`${name}.${norm}`, map));
  const inner = conv(net, `${name}.conv1`, active('norm1', x), { out: 4 * growth, kernel: 1 });
  const added = conv(net, `${name}.conv2`, active('norm2', inner), { out: growth, kernel: 3, padding: 1 });
  return net.concat([x, added]);
}

/** A convolution without bias whose initial weights have the variance 2 / (kernel² · in), as in torchvision's code. */
function conv<T>(
  net: Net<T>,
  name: string,
  x: T,
  options: { out: number; kernel: number; stride?: number; padding?: number },
): T {
  const fanIn = options.kernel ** 2 * net.shape(x)[2];
  const initialWeight: Initializer = { type: 'normal', deviation: Math.sqrt(2 / fanIn) };
  return net.conv(name, x, { ...options, bias: false, initialWeight });
}
