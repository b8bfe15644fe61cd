import { registry } from '@distillery/spec';
import { type Architecture, bind, type Task } from './architecture.ts';
import { deepnn } from './architectures/deepnn.ts';
import { layers } from './architectures/layers.ts';
import { lightnn } from './architectures/lightnn.ts';
import { mlp } from './architectures/mlp.ts';
import { mobilenetV2 } from './architectures/mobilenet-v2.ts';
import { resnet } from './architectures/resnet.ts';
import { shufflenetV2 } from './architectures/shufflenet-v2.ts';
import { textTransformer } from './architectures/text-transformer.ts';
import { vgg } from './architectures/vgg.ts';
import { vit } from './architectures/vit.ts';
import { wideResnet } from './architectures/wide-resnet.ts';

export { type Architecture, bind, type Task };

/** Every architecture. A new one is one file and one line here. */
export const architectures = registry<Architecture>([
  deepnn,
  lightnn,
  resnet,
  wideResnet,
  vgg,
  mobilenetV2,
  shufflenetV2,
  vit,
  textTransformer,
  mlp,
  layers,
]);
