import type { Net } from '@distillery/engine';
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { depthwise } from '../convolution.ts';

const options = z.strictObject({
  width: z
    .literal([0.5, 1, 1.5])
    .default(1)
    .describe("Width factor, as in the paper's table of complexities."),
});

/** Channels of the three stages. The stem has 24 channels and the last map 1024. */
const channels = { 0.5: [48, 96, 192], 1: [116, 232, 464], 1.5: [176, 352, 704] };

/** Blocks of each stage. The first block of a stage halves height and width. */
const blocks = [4, 8, 4];

/**
 * ShuffleNetV2 (Ma et al., 2018, arXiv:1807.11164) in the variant of the literature on distillation for small images,
 * with a stem of 1×1 convolutions and PyTorch's default initial weights. With 100 classes, width 1 has 1.36 M
 * parameters.
 */
export const shufflenetV2: Architecture<typeof options> = {
  type: 'shufflenet_v2',
  summary: 'ShuffleNetV2 for small images: two branches of depthwise convolutions with shuffled channels.',
  reference: 'https://arxiv.org/abs/1807.11164',
  options,
  forward(net, image, { width }, { classes }) {
    const layer = (part: number, x: typeof image, out: number) =>
      net.relu(net.batchNorm(`bn${part}`, net.conv(`conv${part}`, x, { out, kernel: 1, bias: false })));
    let x = net.tap('stem', layer(1, image, 24));
    for (const [index, out] of channels[width].entries()) {
      for (let block = 0; block < blocks[index]; block++) {
        const name = `layer${index + 1}.${block}`;
        const branches = block === 0 ? halving(net, name, x, out / 2) : keeping(net, name, x);
        // One ReLU serves both branches, because an unchanged branch is never negative.
        const y = net.shuffle(net.concat(branches), 2);
        if (block === blocks[index] - 1) net.tap(`stage${index + 1}_pre`, y);
        x = net.relu(y);
      }
      net.tap(`stage${index + 1}`, x);
    }
    const features = net.tap('features', net.globalAveragePool(layer(2, x, 1024)));
    return net.tap('logits', net.linear('linear', features, { out: classes }));
  },
};

/** Computes both branches at half the height and width, each with `out` channels, before their last ReLU. */
function halving<T>(net: Net<T>, name: string, x: T, out: number): [T, T] {
  const { pointwise, spatial } = layers(net, name);
  const left = pointwise(2, spatial(1, x, 2), out);
  const right = pointwise(5, spatial(4, net.relu(pointwise(3, x, out)), 2), out);
  return [left, right];
}

/** Returns the first half of the channels unchanged, and the branch of the second half before its last ReLU. */
function keeping<T>(net: Net<T>, name: string, x: T): [T, T] {
  const { pointwise, spatial } = layers(net, name);
  const all = net.shape(x)[2];
  const half = all / 2;
  const kept = net.slice(x, { from: 0, to: half });
  const inner = net.relu(pointwise(1, net.slice(x, { from: half, to: all }), half));
  return [kept, pointwise(3, spatial(2, inner, 1), half)];
}

/** The two kinds of convolution of a block, each with BatchNorm. `part` numbers them within the block. */
function layers<T>(net: Net<T>, name: string) {
  const norm = (part: number, x: T) => net.batchNorm(`${name}.bn${part}`, x);
  const conv = (part: number) => `${name}.conv${part}`;
  return {
    pointwise: (part: number, x: T, out: number) =>
      norm(part, net.conv(conv(part), x, { out, kernel: 1, bias: false })),
    spatial: (part: number, x: T, stride: number) => norm(part, depthwise(net, conv(part), x, { stride })),
  };
}
