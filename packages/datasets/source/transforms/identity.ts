/** The parts of an augmentation that determine the pixels of a view. */
interface Augmentation {
  type: string;
  seed: number;
}

/**
 * The identity of an augmentation. Augmentations with equal identities give equal pixels in equal views, so they can share
 * a teacher's stored outputs. The number of views is not part of the identity, nor is the seed of `none`.
 */
export function augmentationIdentity({ type, seed }: Augmentation): 'none' | Augmentation {
  return type === 'none' ? 'none' : { type, seed };
}
