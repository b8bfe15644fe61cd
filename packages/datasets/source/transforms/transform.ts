import type { RandomStream } from '@distillery/engine/random';
import type { Kind } from '@distillery/spec';
import type { z } from 'zod';

/**
 * Changes one sample. The result depends on the arguments alone, so that a teacher's stored outputs for a sample and view
 * belong to exactly what a student sees.
 *
 * @param sample bytes of an image before normalisation, `[height, width, channels]`, or the ids of a text, `[length]`
 * @param stream the random stream of this sample and view
 * @param into receives the result; it has the sample's length, is another array, and is overwritten completely
 */
export type Change<Sample extends Bytes | Ids> = (sample: Sample, stream: RandomStream, into: Sample) => void;

/** The bytes of an image, and the ids of a text. */
export type Bytes = Uint8Array<ArrayBufferLike>;
export type Ids = Uint16Array<ArrayBufferLike>;

/**
 * Mixes two images.
 *
 * @param partner another training image in the same view
 * @param stream the random stream of this pair and view
 * @param into receives the result, as for `Change`
 * @returns the share of `image` in the result and its label, in 0 to 1
 */
export type Mix = (image: Uint8Array, partner: Uint8Array, stream: RandomStream, into: Uint8Array) => number;

/** What a transform changes: the pixels of an image, the tokens of a text, or pairs of images together with their labels. */
export type Changed = 'pixels' | 'tokens' | 'pairs';

interface Seeded<Options extends z.ZodObject> extends Kind {
  readonly options: Options;
  readonly changes: Changed;
}

export interface PixelTransform<Options extends z.ZodObject = z.ZodObject> extends Seeded<Options> {
  readonly changes: 'pixels';
  /** @param shape `[height, width, channels]` */
  open(options: z.output<Options>, shape: readonly number[]): Change<Uint8Array>;
}

export interface TokenTransform<Options extends z.ZodObject = z.ZodObject> extends Seeded<Options> {
  readonly changes: 'tokens';
  open(options: z.output<Options>): Change<Uint16Array>;
}

/** A transform of pairs. Its options include the `probability` with which it applies to an image. */
export interface PairTransform<Options extends z.ZodObject = z.ZodObject> extends Seeded<Options> {
  readonly changes: 'pairs';
  /** @param shape `[height, width, channels]` */
  open(options: z.output<Options>, shape: readonly number[]): Mix;
}

/** A seeded change of training samples. A new kind is one file and one line in `index.ts`. */
export type Transform = PixelTransform | TokenTransform | PairTransform;
