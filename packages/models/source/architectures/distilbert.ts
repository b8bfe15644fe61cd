import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { encoder, linear, small } from '../encoder.ts';

const options = z.strictObject({
  width: z.int().min(1).max(4096).default(768).describe('Width of each token, a multiple of heads.'),
  depth: z.int().min(1).max(64).default(6).describe('Number of layers of the encoder.'),
  heads: z.int().min(1).max(64).default(12).describe('Number of attention heads in each layer.'),
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
  dropout: z
    .number()
    .min(0)
    .lt(1)
    .default(0.1)
    .describe('Dropout rate of embeddings, attention, MLPs and the layer before the classifier.'),
});

/** The ε of LayerNorm in BERT's code. */
const epsilon = 1e-12;

/** The token id of padding, here and in BERT's vocabulary. */
const padding = 0;

/**
 * DistilBERT with a classifier of texts (Sanh et al., 2019, arXiv:1910.01108): embeddings of tokens and positions with a
 * LayerNorm, BERT's encoder with a LayerNorm behind each sum, and two linear layers on the first token. Weights of
 * `transformers.DistilBertForSequenceClassification` load under its names. With the vocabulary of 30522 and 2 classes it
 * has 66.96 M parameters.
 */
export const distilbert: Architecture<typeof options> = {
  type: 'distilbert',
  summary: 'DistilBERT with a classifier of texts, in which weights of Hugging Face load.',
  reference: 'https://arxiv.org/abs/1910.01108',
  options,
  inputs: ['text'],
  forward(net, ids, { width, depth, heads, mlpRatio, positions, dropout }, { classes, vocabulary }) {
    const mask = net.tap('tokens', net.present(ids, padding));
    const table = { vocabulary: vocabulary as number, width, initialWeight: small };
    let x = net.embedding('token_embed', ids, table);
    x = net.positionTable('pos_embed', x, { rows: positions, initial: small });
    x = net.dropout('pos_drop', net.layerNorm('norm', x, { epsilon }), dropout);
    x = encoder(net, x, { depth, heads, mlpRatio, dropout, norm: 'post', epsilon, mask });
    const features = net.tap('features', net.relu(linear(net, 'pre_classifier', net.token(x, 0), width)));
    return net.tap('logits', linear(net, 'classifier', net.dropout('drop', features, dropout), classes));
  },
};
