import type { Net } from '@distillery/engine';
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { convolution, zero } from '../convolution.ts';

const options = z.strictObject({
  depth: z.literal([10, 16, 22, 28, 34, 40]).default(16).describe('Number of layers.'),
  width: z
    .int()
    .min(1)
    .max(10)
    .default(2)
    .describe('Factor by which the 16, 32 and 64 channels of the stages are multiplied.'),
});

/**
 * Wide residual networks (Zagoruyko and Komodakis, 2016, arXiv:1605.07146). BatchNorm and ReLU precede each
 * convolution, so a stage ends in a sum without a ReLU; `stage1_pre` is the output of the BatchNorm after it. With 100 classes, 16-2 has 0.70 M parameters, 40-1 0.57 M and
 * 40-2 2.26 M.
 */
export const wideResnet: Architecture<typeof options> = {
  type: 'wide_resnet',
  summary: 'Wide residual networks for small images, such as 16-2 and 40-2 (depth and width).',
  reference: 'https://arxiv.org/abs/1605.07146',
  options,
  forward(net, image, { depth, width }, { classes }) {
    const blocks = (depth - 4) / 6;
    let x = net.tap('stem', convolution(net, 'conv1', image, { out: 16, kernel: 3 }));
    for (const stage of [1, 2, 3]) {
      for (let block = 0; block < blocks; block++) {
        const out = 8 * 2 ** stage * width;
        const stride = stage > 1 && block === 0 ? 2 : 1;
        // The first BatchNorm of a stage is the one after the stage before it.
        const pre = stage > 1 && block === 0 ? `stage${stage - 1}_pre` : undefined;
        x = residual(net, `block${stage}.layer.${block}`, x, { out, stride, pre });
      }
      net.tap(`stage${stage}`, x);
    }
    const last = net.relu(net.tap('stage3_pre', net.batchNorm('bn1', x)));
    const features = net.tap('features', net.globalAveragePool(last));
    return net.tap('logits', net.linear('fc', features, { out: classes, initialBias: zero }));
  },
};

/**
 * Two convolutions with a shortcut. Where the channels change, the shortcut also reads the normalised input.
 *
 * @param pre the tap of the normalised input, if it has one
 */
function residual<T>(
  net: Net<T>,
  name: string,
  x: T,
  { out, stride, pre }: { out: number; stride: number; pre?: string | undefined },
): T {
  const normal = net.batchNorm(`${name}.bn1`, x);
  const active = net.relu(pre === undefined ? normal : net.tap(pre, normal));
  const inner = convolution(net, `${name}.conv1`, active, { out, kernel: 3, stride });
  const ready = net.relu(net.batchNorm(`${name}.bn2`, inner));
  const outer = convolution(net, `${name}.conv2`, ready, { out, kernel: 3 });
  const fits = net.shape(x)[2] === out;
  return net.add(
    outer,
    fits ? x : convolution(net, `${name}.convShortcut`, active, { out, kernel: 1, stride }),
  );
}
