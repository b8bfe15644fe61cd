import type { RandomStream } from '@distillery/engine/random';

/** A seeded change of an image's pixels. A new kind is one file and one line in `index.ts`. */
export interface Transform {
  /** The wire name, as in `{"augmentation": {"type": "flip"}}`. */
  readonly type: string;
  /** One sentence that describes the change. */
  readonly summary: string;
  /**
   * Applies the change. The result depends on the arguments alone, so that a teacher's stored outputs for an image and
   * view belong to exactly the pixels that a student sees.
   *
   * @param image `[height, width, channels]`, bytes before normalisation
   * @param shape `[height, width, channels]`
   * @param stream the random stream of this image and view
   * @param into receives the result; it has the image's length and is overwritten completely
   */
  apply(image: Uint8Array, shape: readonly number[], stream: RandomStream, into: Uint8Array): void;
}
