/** The parts of an augmentation that decide which pixels a view shows. */
interface Augmentation {
  type: string;
  seed: number;
}

/**
 * The one rule of when two augmentations are the same: those with equal identities show equal pixels in equal views, so
 * that a teacher's stored outputs for one serve the other. How many views a training takes is no part of it, and neither
 * is the seed of an augmentation that changes nothing.
 */
export function augmentationIdentity({ type, seed }: Augmentation): 'none' | Augmentation {
  return type === 'none' ? 'none' : { type, seed };
}
