import { type Naming, namesByTable } from './naming.ts';

const block = 'vit.encoder.layer.{index}';
const attention = `${block}.attention.attention`;

const layer = 'distilbert.transformer.layer.{index}';
const inDistilbert = `${layer}.attention`;

const bertLayer = 'bert.encoder.layer.{index}';
const inBert = `${bertLayer}.attention`;

/** The names of `transformers.ViTForImageClassification`, and of the classifiers of texts, whose queries, keys and values are layers of their own. */
export const huggingface: Naming = {
  type: 'huggingface',
  summary:
    'The names of checkpoints of Hugging Face: ViTForImageClassification, DistilBertForSequenceClassification and BertForSequenceClassification.',
  architectures: {
    vit: namesByTable({
      cls_token: 'vit.embeddings.cls_token',
      pos_embed: 'vit.embeddings.position_embeddings',
      'patch_embed.proj': 'vit.embeddings.patch_embeddings.projection',
      'blocks.{index}.norm1': `${block}.layernorm_before`,
      'blocks.{index}.attn.qkv': [`${attention}.query`, `${attention}.key`, `${attention}.value`],
      'blocks.{index}.attn.proj': `${block}.attention.output.dense`,
      'blocks.{index}.norm2': `${block}.layernorm_after`,
      'blocks.{index}.mlp.fc1': `${block}.intermediate.dense`,
      'blocks.{index}.mlp.fc2': `${block}.output.dense`,
      norm: 'vit.layernorm',
      head: 'classifier',
    }),
    distilbert: namesByTable({
      token_embed: 'distilbert.embeddings.word_embeddings',
      pos_embed: 'distilbert.embeddings.position_embeddings',
      norm: 'distilbert.embeddings.LayerNorm',
      'blocks.{index}.attn.qkv': ['q_lin', 'k_lin', 'v_lin'].map((part) => `${inDistilbert}.${part}`),
      'blocks.{index}.attn.proj': `${inDistilbert}.out_lin`,
      'blocks.{index}.norm1': `${layer}.sa_layer_norm`,
      'blocks.{index}.mlp.fc1': `${layer}.ffn.lin1`,
      'blocks.{index}.mlp.fc2': `${layer}.ffn.lin2`,
      'blocks.{index}.norm2': `${layer}.output_layer_norm`,
      pre_classifier: 'pre_classifier',
      classifier: 'classifier',
    }),
    bert: namesByTable({
      token_embed: 'bert.embeddings.word_embeddings',
      pos_embed: 'bert.embeddings.position_embeddings',
      segment_embed: 'bert.embeddings.token_type_embeddings',
      norm: 'bert.embeddings.LayerNorm',
      'blocks.{index}.attn.qkv': ['query', 'key', 'value'].map((part) => `${inBert}.self.${part}`),
      'blocks.{index}.attn.proj': `${inBert}.output.dense`,
      'blocks.{index}.norm1': `${inBert}.output.LayerNorm`,
      'blocks.{index}.mlp.fc1': `${bertLayer}.intermediate.dense`,
      'blocks.{index}.mlp.fc2': `${bertLayer}.output.dense`,
      'blocks.{index}.norm2': `${bertLayer}.output.LayerNorm`,
      pooler: 'bert.pooler.dense',
      classifier: 'classifier',
    }),
  },
};
