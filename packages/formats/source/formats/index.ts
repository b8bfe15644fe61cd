import { registry } from '@distillery/spec';
import type { Format } from '../format.ts';
import { npz } from './npz.ts';
import { onnx } from './onnx.ts';
import { safetensors } from './safetensors.ts';
import { tfjs } from './tfjs.ts';
import { torch } from './torch.ts';

export { safetensors };

/** Every format that weights can be downloaded in; the first is the default, and the one that the store keeps. */
export const formats = registry<Format>(
  [safetensors, onnx, tfjs, torch, npz],
  'type',
  ({ mediaType, extension }) => ({
    mediaType,
    extension,
  }),
);
