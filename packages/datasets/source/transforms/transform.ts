import type { RandomStream } from '@distillery/engine/random';

/** A seeded change of an image's pixels; a new one is one file and a line in `index.ts`. */
export interface Transform {
  /** The wire name, as in `{"augmentation": {"type": "flip"}}`. */
  readonly type: string;
  /** A line for people. */
  readonly summary: string;
  /**
   * Depends on its arguments alone, so that a teacher's stored outputs for an (image, view) belong to exactly the pixels
   * that a student sees.
   *
   * @param image `[height, width, channels]`, bytes before they are normalised
   * @param shape `[height, width, channels]`
   * @param stream of this image in this view
   * @param into of the image's length, overwritten whole
   */
  apply(image: Uint8Array, shape: readonly number[], stream: RandomStream, into: Uint8Array): void;
}
