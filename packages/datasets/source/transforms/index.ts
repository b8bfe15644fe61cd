/**
 * Augmentations by name. The thread that prepares batches starts with this file, so that nothing here may import
 * TensorFlow.js, sharp or zod.
 */
import { cropFlip } from './crop-flip.ts';
import { flip } from './flip.ts';
import type { Transform } from './transform.ts';

export { augmentationIdentity } from './identity.ts';
export type { Transform } from './transform.ts';

const kinds = new Map([flip, cropFlip].map((kind): [string, Transform] => [kind.type, kind]));

export const transforms = {
  get list(): readonly Transform[] {
    return [...kinds.values()];
  },
  /** @throws RangeError for a name that no transform has */
  get(type: string): Transform {
    const kind = kinds.get(type);
    if (kind === undefined)
      throw new RangeError(`unknown augmentation ${JSON.stringify(type)}: ${[...kinds.keys()].join(', ')}`);
    return kind;
  },
};
