import { z } from 'zod';
import type { Architecture } from '../architecture.ts';

const options = z.strictObject({
  hidden: z
    .array(z.int().min(1).max(16_384))
    .min(1)
    .max(32)
    .default([512, 256])
    .describe('units of the hidden layers, from the input on'),
  activation: z.literal(['relu', 'relu6', 'gelu']).default('relu').describe('of the hidden layers'),
  batchNorm: z.boolean().default(false).describe('normalises before each activation'),
  dropout: z.number().min(0).lt(1).default(0).describe('after each activation'),
});

/**
 * A multilayer perceptron over the pixels of an image: for `hidden` of n₁ … n_k units
 * Σ n_{i−1}·n_i + n_i numbers and the classifier's, BatchNorm's 2·n_i beside. The first students of distillation were
 * such networks (Hinton, Vinyals and Dean, 2015), of 1200 and 800 units twice over MNIST.
 */
export const mlp: Architecture<typeof options> = {
  type: 'mlp',
  summary: 'Linear layers over the flattened image, as wide and as many as you like',
  reference: 'https://arxiv.org/abs/1503.02531',
  options,
  forward(net, image, { hidden, activation, batchNorm, dropout }, { classes }) {
    let x = net.flatten(image);
    let position = 0;
    // Numbered as PyTorch numbers a Sequential of Linear, BatchNorm1d where there is one, activation and Dropout.
    const next = () => `hidden.${position++}`;
    for (const [index, out] of hidden.entries()) {
      x = net.linear(next(), x, { out });
      if (batchNorm) x = net.batchNorm(next(), x);
      position++;
      x = net.tap(`hidden${index + 1}`, net[activation](x));
      if (index === hidden.length - 1) net.tap('features', x);
      x = net.dropout(next(), x, dropout);
    }
    return net.tap('logits', net.linear('classifier', x, { out: classes }));
  },
};
