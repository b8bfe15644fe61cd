import { registry } from '@distillery/spec';
import { type Architecture, bind, type Task } from './architecture.ts';
import { deepnn } from './deepnn.ts';
import { layers } from './layers.ts';
import { lightnn } from './lightnn.ts';
import { mlp } from './mlp.ts';
import { mobilenetV2 } from './mobilenet-v2.ts';
import { resnet } from './resnet.ts';
import { shufflenetV2 } from './shufflenet-v2.ts';
import { textTransformer } from './text-transformer.ts';
import { vgg } from './vgg.ts';
import { vit } from './vit.ts';
import { wideResnet } from './wide-resnet.ts';

export { type Architecture, bind, type Task };

/** Every architecture; a new one is a file and a line here. */
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
