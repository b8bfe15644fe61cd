import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { encoder, linear, small } from '../encoder.ts';

const options = z.strictObject({
  width: z
    .int()
    .min(1)
    .max(4096)
    .default(128)
    .describe('Width of each token, which must be a multiple of heads.'),
  depth: z.int().min(1).max(64).default(2).describe('Number of layers of the encoder.'),
  heads: z.int().min(1).max(64).default(4).describe('Number of attention heads in each layer.'),
  mlpRatio: z
    .number()
    .min(0.25)
    .max(16)
    .default(4)
    .describe('Units of the hidden layer of each MLP, as a multiple of width.'),
  dropout: z.number().min(0).lt(1).default(0.1).describe('Dropout rate of embeddings, attention and MLPs.'),
});

/** The ε of LayerNorm, PyTorch's default. */
const epsilon = 1e-5;

/** The token id of padding in every data set. */
const padding = 0;

/**
 * A transformer that classifies texts: embeddings of tokens and positions, an encoder with LayerNorm before each block
 * (Xiong et al., ICML 2020, arXiv:2002.04745), and a linear layer on the mean of the tokens. Padding is excluded from
 * attention and from the mean, so it does not change the logits.
 *
 * With width d, depth L, vocabulary V, n tokens and an mlpRatio of 4 it has V·d + n·d + L·(12·d² + 13·d) + 2·d
 * parameters, plus those of the classifier.
 */
export const textTransformer: Architecture<typeof options> = {
  type: 'text_transformer',
  summary: 'A transformer of any width and depth that classifies texts.',
  reference: 'https://arxiv.org/abs/1706.03762',
  options,
  inputs: ['text'],
  forward(net, ids, { width, depth, heads, mlpRatio, dropout }, { classes, vocabulary }) {
    const mask = net.tap('tokens', net.present(ids, padding));
    const table = { vocabulary: vocabulary as number, width, initialWeight: small };
    let x = net.positions('pos_embed', net.embedding('token_embed', ids, table), small);
    x = net.dropout('pos_drop', x, dropout);
    x = encoder(net, x, { depth, heads, mlpRatio, dropout, norm: 'pre', epsilon, mask });
    x = net.layerNorm('norm', x, { epsilon });
    const features = net.tap('features', net.meanOfTokens(x, mask));
    return net.tap('logits', linear(net, 'head', features, classes));
  },
};
