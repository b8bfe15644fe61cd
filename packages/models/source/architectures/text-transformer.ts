import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { encoder, linear, small } from '../encoder.ts';

const options = z.strictObject({
  width: z.int().min(1).max(4096).default(128).describe('of every token; the heads must divide it'),
  depth: z.int().min(1).max(64).default(2).describe('layers of the encoder'),
  heads: z.int().min(1).max(64).default(4),
  mlpRatio: z.number().min(0.25).max(16).default(4),
  dropout: z.number().min(0).lt(1).default(0.1),
});

/** PyTorch's default. */
const epsilon = 1e-5;

/** The id of padding, in every data set. */
const padding = 0;

/**
 * A transformer that classifies texts: embeddings of tokens and positions, an encoder whose layers normalise first
 * (Xiong et al., ICML 2020, arXiv:2002.04745), and a linear layer on the mean of the tokens. Padding is attended to by
 * none and counts in no mean, so that it changes no logit.
 *
 * Of width d, depth L, vocabulary V and n tokens: V·d + n·d + L·(12·d² + 13·d) + 2·d numbers and the classifier's, at an
 * mlpRatio of 4.
 */
export const textTransformer: Architecture<typeof options> = {
  type: 'text_transformer',
  summary: 'A transformer over tokens that classifies texts, of any width and depth',
  reference: 'https://arxiv.org/abs/1706.03762',
  options,
  input: 'text',
  forward(net, ids, { width, depth, heads, mlpRatio, dropout }, { classes, vocabulary }) {
    const mask = net.present(ids, padding);
    const table = { vocabulary: vocabulary as number, width, initialWeight: small };
    let x = net.positions('pos_embed', net.embedding('token_embed', ids, table), small);
    x = net.dropout('pos_drop', x, dropout);
    x = encoder(net, x, { depth, heads, mlpRatio, dropout, norm: 'pre', epsilon, mask });
    x = net.layerNorm('norm', x, { epsilon });
    const features = net.tap('features', net.meanOfTokens(x, mask));
    return net.tap('logits', linear(net, 'head', features, classes));
  },
};
