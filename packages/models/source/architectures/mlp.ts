import { z } from 'zod';
import type { Architecture } from '../architecture.ts';

const options = z.strictObject({
  hidden: z
    .array(z.int().min(1).max(16_384))
    .min(1)
    .max(32)
    .default([512, 256])
    .describe('Units of each hidden layer, from the input on.'),
  activation: z
    .literal(['relu', 'relu6', 'gelu'])
    .default('relu')
    .describe('Activation of the hidden layers.'),
  batchNorm: z.boolean().default(false).describe('Whether BatchNorm precedes each activation.'),
  dropout: z.number().min(0).lt(1).default(0).describe('Dropout rate after each activation.'),
});

/**
 * A multilayer perceptron over the pixels of an image, or the numbers of a row. With hidden layers of n₁ … n_k units it has Σ n_{i−1}·n_i + n_i
 * parameters, plus 2·n_i for each BatchNorm and those of the classifier. The first distilled networks were of this
 * kind: two hidden layers of 1200 (teacher) and 800 (student) units on MNIST (Hinton, Vinyals and Dean, 2015,
 * arXiv:1503.02531).
 */
export const mlp: Architecture<typeof options> = {
  type: 'mlp',
  summary:
    'A multilayer perceptron: linear layers of any number and width over the flattened image, or a row of numbers.',
  reference: 'https://arxiv.org/abs/1503.02531',
  options,
  inputs: ['image', 'table'],
  forward(net, image, { hidden, activation, batchNorm, dropout }, { classes }) {
    let x = net.flatten(image);
    let position = 0;
    // The numbers are those of a PyTorch Sequential of Linear, optional BatchNorm1d, activation and Dropout.
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
