import { type Naming, namesByTable, sameNames } from './naming.ts';

const block = 'encoder.layers.encoder_layer_{index}';

/** The names of `torchvision.models.VisionTransformer`. */
export const torchvision: Naming = {
  type: 'torchvision',
  summary: 'The names of torchvision.',
  architectures: {
    // These are written with its names.
    ...Object.fromEntries(
      ['imagenet_resnet', 'densenet', 'mobilenet_v3', 'efficientnet', 'convnext'].map((type) => [
        type,
        sameNames,
      ]),
    ),
    vit: namesByTable({
      cls_token: 'class_token',
      pos_embed: 'encoder.pos_embedding',
      'patch_embed.proj': 'conv_proj',
      'blocks.{index}.norm1': `${block}.ln_1`,
      // A parameter of the attention itself: its names end in _weight and _bias.
      'blocks.{index}.attn.qkv.weight': `${block}.self_attention.in_proj_weight`,
      'blocks.{index}.attn.qkv.bias': `${block}.self_attention.in_proj_bias`,
      'blocks.{index}.attn.proj': `${block}.self_attention.out_proj`,
      'blocks.{index}.norm2': `${block}.ln_2`,
      'blocks.{index}.mlp.fc1': `${block}.mlp.0`,
      'blocks.{index}.mlp.fc2': `${block}.mlp.3`,
      norm: 'encoder.ln',
      head: 'heads.head',
    }),
  },
};
