import { z } from 'zod';
import type { Architecture } from '../architecture.ts';

const options = z.strictObject({
  dropout: z.number().min(0).lt(1).default(0.1).describe('Dropout rate after the first linear layer.'),
});

/** The student of PyTorch's knowledge-distillation tutorial, with 267,738 parameters for 32×32 RGB and 10 classes. */
export const lightnn: Architecture<typeof options> = {
  type: 'lightnn',
  summary: 'The student of the PyTorch tutorial: two convolutions (16, 16) and two linear layers.',
  reference: 'https://docs.pytorch.org/tutorials/beginner/knowledge_distillation_tutorial.html',
  options,
  forward(net, image, { dropout }, { classes }) {
    const stage = (name: string, x: typeof image) =>
      net.maxPool(net.relu(net.conv(name, x, { out: 16, kernel: 3, padding: 1 })), { size: 2 });
    let x = net.tap('stage1', stage('features.0', image));
    x = net.tap('stage2', stage('features.3', x));
    x = net.relu(net.linear('classifier.0', net.flatten(x), { out: 256 }));
    x = net.dropout('classifier.2', net.tap('features', x), dropout);
    return net.tap('logits', net.linear('classifier.3', x, { out: classes }));
  },
};
