import { registry } from '@distillery/spec';
import { type Architecture, bind, type Task } from './architecture.ts';
import { bert } from './architectures/bert.ts';
import { convnext } from './architectures/convnext.ts';
import { deepnn } from './architectures/deepnn.ts';
import { densenet } from './architectures/densenet.ts';
import { distilbert } from './architectures/distilbert.ts';
import { efficientnet } from './architectures/efficientnet.ts';
import { imagenetResnet } from './architectures/imagenet-resnet.ts';
import { layers } from './architectures/layers.ts';
import { lightnn } from './architectures/lightnn.ts';
import { mlp } from './architectures/mlp.ts';
import { mobilenetV2 } from './architectures/mobilenet-v2.ts';
import { mobilenetV3 } from './architectures/mobilenet-v3.ts';
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
  imagenetResnet,
  densenet,
  mobilenetV3,
  efficientnet,
  convnext,
  textTransformer,
  distilbert,
  bert,
  mlp,
  layers,
]);
