import { z } from 'zod';
import type { Architecture } from '../architecture.ts';

const options = z.strictObject({
  dropout: z.number().min(0).lt(1).default(0.1).describe('Dropout rate after the first linear layer.'),
});

/** The teacher of PyTorch's knowledge-distillation tutorial, with 1,186,986 parameters for 32×32 RGB and 10 classes. */
export const deepnn: Architecture<typeof options> = {
  type: 'deepnn',
  summary: 'The teacher of the PyTorch tutorial: four convolutions (128, 64, 64, 32) and two linear layers.',
  reference: 'https://docs.pytorch.org/tutorials/beginner/knowledge_distillation_tutorial.html',
  options,
  forward(net, image, { dropout }, { classes }) {
    const conv = (name: string, x: typeof image, out: number) =>
      net.relu(net.conv(name, x, { out, kernel: 3, padding: 1 }));
    let x = conv('features.0', image, 128);
    x = conv('features.2', x, 64);
    x = net.tap('stage1', net.maxPool(x, { size: 2 }));
    x = conv('features.5', x, 64);
    x = conv('features.7', x, 32);
    x = net.tap('stage2', net.maxPool(x, { size: 2 }));
    x = net.relu(net.linear('classifier.0', net.flatten(x), { out: 512 }));
    x = net.dropout('classifier.2', net.tap('features', x), dropout);
    return net.tap('logits', net.linear('classifier.3', x, { out: classes }));
  },
};
