import type { Net } from '@distillery/engine';
import { z } from 'zod';

/** A kind of layer in a list. Its options have the names, defaults and meaning of Keras. */
export interface LayerKind<Options extends z.ZodObject = z.ZodObject> {
  /** The readable name, as in `{"layer": "conv2d"}`. */
  readonly layer: string;
  /** Keras' name, as in `{"class_name": "Conv2D", "config": {…}}`. */
  readonly className: string;
  /** A strict object. The network applies an option `activation` after `apply`. */
  readonly options: Options;
  /** Further properties of a Keras config, with the only values that agree with what `apply` computes. */
  readonly neutral?: Readonly<Record<string, z.ZodType>>;
  /** Set if the layer has two or more inputs. */
  readonly joins?: true;
  /** Set if the layer returns its input unchanged outside training. */
  readonly passes?: true;
  /**
   * Computes the layer.
   *
   * @param name the name of its parameters and random streams
   * @throws RangeError if the layer does not fit its input
   */
  apply<T>(net: Net<T>, name: string, inputs: readonly T[], options: z.output<Options>): T;
}

/** The schema of a square window: a whole number, or a pair of equal numbers as in Keras. */
export function square(maximum: number) {
  const number = z.int({ error: 'must be a whole number, or a list of two equal ones' }).min(1).max(maximum);
  return z
    .preprocess(
      (given) => (Array.isArray(given) && given.length === 2 && given[0] === given[1] ? given[0] : given),
      number,
    )
    .describe(`A whole number up to ${maximum}, or a list of two equal ones.`);
}

/** `softmax` is only allowed in the last layer, where it is ignored: losses are computed from logits. */
const activations = ['linear', 'relu', 'relu6', 'gelu', 'softmax'] as const;
export type Activation = (typeof activations)[number];
export const activation = z.enum(activations).default('linear');

/** Applies an activation. */
export function activate<T>(net: Net<T>, x: T, name: Activation): T {
  return name === 'linear' || name === 'softmax' ? x : net[name](x);
}
