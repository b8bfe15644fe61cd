/**
 * Augmentations by name. The batch thread imports this file when it starts, so nothing here may import TensorFlow.js, sharp
 * or zod.
 */
import { kindList } from '@distillery/spec/kind-list';
import { cropFlip } from './crop-flip.ts';
import { flip } from './flip.ts';
import type { Transform } from './transform.ts';

export { augmentationIdentity } from './identity.ts';
export type { Transform } from './transform.ts';

export const transforms = kindList<Transform>('augmentation', ({ type }) => type, [flip, cropFlip]);
