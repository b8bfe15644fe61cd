import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { heNormal, zero } from '../convolution.ts';

const options = z.strictObject({
  depth: z.literal([8, 11, 13, 16, 19]).default(8).describe('Number of layers, including the linear one.'),
});

/** The number of convolutions in each of the five blocks, by depth. */
const counts = {
  8: [1, 1, 1, 1, 1],
  11: [1, 1, 2, 2, 2],
  13: [2, 2, 2, 2, 2],
  16: [2, 2, 3, 3, 3],
  19: [2, 2, 4, 4, 4],
};

/** The channels of each block. */
const channels = [64, 128, 256, 512, 512];

/**
 * VGG with BatchNorm for small images (Simonyan and Zisserman, 2015, arXiv:1409.1556): a mean over positions and one
 * linear layer replace its three linear layers. With 100 classes, depth 8 has 3.97 M parameters and depth 13 9.46 M.
 */
export const vgg: Architecture<typeof options> = {
  type: 'vgg',
  summary: 'VGG with BatchNorm and a single linear layer for small images, with 8 to 19 layers.',
  reference: 'https://arxiv.org/abs/1409.1556',
  options,
  forward(net, image, { depth }, { classes }) {
    let x = image;
    for (const [index, out] of channels.entries()) {
      // Images below 64 pixels are pooled only three times.
      const pools = index < 4 || net.shape(image)[0] >= 64;
      if (index > 0 && pools) x = net.maxPool(x, { size: 2 });
      const count = counts[depth][index];
      for (let layer = 0; layer < count; layer++) {
        const initial = { initialWeight: heNormal(3, out), initialBias: zero };
        // The numbers count BatchNorm and ReLU too, as PyTorch numbers the layers of a Sequential.
        const name = (offset: number) => `block${index}.${3 * layer + offset}`;
        const y = net.batchNorm(name(1), net.conv(name(0), x, { out, kernel: 3, padding: 1, ...initial }));
        if (layer === count - 1) net.tap(`stage${index + 1}_pre`, y);
        x = net.relu(y);
      }
      net.tap(`stage${index + 1}`, x);
    }
    const features = net.tap('features', net.globalAveragePool(x));
    const initialWeight = { type: 'normal', deviation: 0.01 } as const;
    return net.tap(
      'logits',
      net.linear('classifier', features, { out: classes, initialWeight, initialBias: zero }),
    );
  },
};
