import type { Net } from '@distillery/engine';
import { z } from 'zod';

/** A kind of layer that a list may hold; its options have Keras' names, defaults and meaning. */
export interface LayerKind<Options extends z.ZodObject = z.ZodObject> {
  /** The readable name, as in `{"layer": "conv2d"}`. */
  readonly layer: string;
  /** Keras' name, as in `{"class_name": "Conv2D", "config": {…}}`. */
  readonly className: string;
  /** A strict object. An option `activation` is applied by the list, behind `apply`. */
  readonly options: Options;
  /** What Keras writes into a config beside the options, with the values that mean what is computed here. */
  readonly neutral?: Readonly<Record<string, z.ZodType>>;
  /** Takes two inputs or more. */
  readonly joins?: true;
  /** Hands its input on when it is not trained. */
  readonly passes?: true;
  /**
   * @param name of its parameters and random streams
   * @throws RangeError when it does not fit its input
   */
  apply<T>(net: Net<T>, name: string, inputs: readonly T[], options: z.output<Options>): T;
}

/** A whole number, or Keras' pair of it: windows here are square. */
export function square(maximum: number) {
  const number = z.int({ error: 'must be a whole number, or twice the same in a list' }).min(1).max(maximum);
  return z
    .preprocess(
      (given) => (Array.isArray(given) && given.length === 2 && given[0] === given[1] ? given[0] : given),
      number,
    )
    .describe(`a whole number up to ${maximum}, or twice the same in a list`);
}

/** `softmax` is taken of the last layer alone, where it is left out: losses are computed from logits. */
const activations = ['linear', 'relu', 'relu6', 'gelu', 'softmax'] as const;
export type Activation = (typeof activations)[number];
export const activation = z.enum(activations).default('linear');

export function activate<T>(net: Net<T>, x: T, name: Activation): T {
  return name === 'linear' || name === 'softmax' ? x : net[name](x);
}
