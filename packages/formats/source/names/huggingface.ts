import { type Naming, namesByTable } from './naming.ts';

const block = 'vit.encoder.layer.{index}';
const attention = `${block}.attention.attention`;

/** The names of `transformers.ViTForImageClassification`, whose queries, keys and values are layers of their own. */
export const huggingface: Naming = {
  type: 'huggingface',
  summary: 'The names of checkpoints of Hugging Face: vision transformers (ViTForImageClassification).',
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
  },
};
