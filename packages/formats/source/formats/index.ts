import { registry } from '@distillery/spec';
import type { Format } from '../format.ts';
import { safetensors } from './safetensors.ts';

export { safetensors };

/** Every format that weights can be downloaded in; the first is the default, and the one that the store keeps. */
export const formats = registry<Format>([safetensors], 'type', ({ mediaType, extension }) => ({
  mediaType,
  extension,
}));
