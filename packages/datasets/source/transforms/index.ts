/**
 * Augmentations by name. The batch thread imports this file when it starts, so nothing here may import TensorFlow.js, sharp
 * or zod.
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
  /** @throws RangeError for an unknown name */
  get(type: string): Transform {
    const kind = kinds.get(type);
    if (kind === undefined)
      throw new RangeError(`unknown augmentation ${JSON.stringify(type)}: ${[...kinds.keys()].join(', ')}`);
    return kind;
  },
};
