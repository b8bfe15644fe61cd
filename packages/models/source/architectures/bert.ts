import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { encoder, linear, small } from '../encoder.ts';

const options = z.strictObject({
  size: z
    .enum(['tiny', 'mini', 'small', 'medium', 'base', 'large', 'minilm'])
    .default('base')
    .describe(
      'Width, layers and heads: "tiny" 128, 2, 2; "mini" 256, 4, 4; "small" 512, 4, 8; "medium" 512, 8, 8; "base" 768, 12, 12; "large" 1024, 24, 16; "minilm" 384, 12, 12, those of MiniLM-L12-H384.',
    ),
  width: z.int().min(1).max(4096).optional().describe('Width of each token. Overrides size.'),
  depth: z.int().min(1).max(64).optional().describe('Number of layers. Overrides size.'),
  heads: z.int().min(1).max(64).optional().describe('Number of attention heads. Overrides size.'),
  mlpRatio: z
    .number()
    .min(0.25)
    .max(16)
    .default(4)
    .describe('Units of the hidden layer of each MLP, as a multiple of width.'),
  positions: z
    .int()
    .min(1)
    .max(4096)
    .default(512)
    .describe('Number of position embeddings, at least the length of texts.'),
  separator: z
    .int()
    .min(1)
    .optional()
    .describe(
      'The id of the token that ends a text; what follows the first one gets the embedding of the second segment. Default: all tokens are of the first segment. 102 in the vocabulary of BERT.',
    ),
  dropout: z
    .number()
    .min(0)
    .lt(1)
    .default(0.1)
    .describe('Dropout rate of embeddings, attention, MLPs and the vector before the classifier.'),
});

const sizes = {
  tiny: { width: 128, depth: 2, heads: 2 },
  mini: { width: 256, depth: 4, heads: 4 },
  small: { width: 512, depth: 4, heads: 8 },
  medium: { width: 512, depth: 8, heads: 8 },
  base: { width: 768, depth: 12, heads: 12 },
  large: { width: 1024, depth: 24, heads: 16 },
  minilm: { width: 384, depth: 12, heads: 12 },
};

/** The ε of LayerNorm in BERT's code. */
const epsilon = 1e-12;

/** The token id of padding, here and in BERT's vocabulary. */
const padding = 0;

/**
 * BERT with a classifier of texts (Devlin et al., 2019, arXiv:1810.04805), in its published sizes (arXiv:1908.08962) and
 * that of MiniLM (arXiv:2002.10957): embeddings of tokens, positions and segments with a LayerNorm, an encoder with a
 * LayerNorm behind each sum, a linear layer with tanh on the first token, and a classifier. Weights of
 * `transformers.BertForSequenceClassification` load under its names. With the vocabulary of 30522 and 2 classes, base
 * has 109.5 M parameters.
 */
export const bert: Architecture<typeof options> = {
  type: 'bert',
  summary:
    'BERT, MiniLM and the small BERTs with a classifier of texts, in which weights of Hugging Face load.',
  reference: 'https://arxiv.org/abs/1810.04805',
  options,
  inputs: ['text'],
  forward(net, ids, { size, mlpRatio, positions, separator, dropout, ...own }, { classes, vocabulary }) {
    const { width = sizes[size].width, depth = sizes[size].depth, heads = sizes[size].heads } = own;
    const mask = net.tap('tokens', net.present(ids, padding));
    const table = { vocabulary: vocabulary as number, width, initialWeight: small };
    let x = net.embedding('token_embed', ids, table);
    x = net.positionTable('pos_embed', x, { rows: positions, initial: small });
    x = net.segments('segment_embed', x, ids, { separator, initial: small });
    x = net.dropout('pos_drop', net.layerNorm('norm', x, { epsilon }), dropout);
    x = encoder(net, x, { depth, heads, mlpRatio, dropout, norm: 'post', epsilon, mask });
    const pooled = linear(net, 'pooler', net.token(x, 0), width);
    const features = net.tap('features', net.activate(pooled, 'tanh'));
    return net.tap('logits', linear(net, 'classifier', net.dropout('drop', features, dropout), classes));
  },
};
