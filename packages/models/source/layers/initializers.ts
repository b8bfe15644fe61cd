import type { Initializer } from '@distillery/engine';
import { z } from 'zod';

/** The variance of each of Keras' families of initializers, from the fan-in and fan-out of a unit. */
const variances = {
  glorot: (fanIn: number, fanOut: number) => 2 / (fanIn + fanOut),
  he: (fanIn: number) => 2 / fanIn,
  lecun: (fanIn: number) => 1 / fanIn,
} as const;

const names = [
  'glorot_uniform',
  'glorot_normal',
  'he_uniform',
  'he_normal',
  'lecun_uniform',
  'lecun_normal',
] as const;

/** The schema of an initializer: a name, or Keras' `{"class_name": "GlorotUniform", "config": {…}}`. */
export const initializer = z
  .preprocess(
    (given) =>
      typeof given === 'object' && given !== null && 'class_name' in given
        ? String(given.class_name)
            .replaceAll(/(?<!^)[A-Z]/g, (letter) => `_${letter}`)
            .toLowerCase()
        : given,
    z.enum(names),
  )
  .default('glorot_uniform')
  .describe(
    `Distribution of the initial weights: ${names.join(', ')}. Normal distributions are not truncated, unlike in Keras.`,
  );

/** Returns the distribution of the initial weights of a unit with this fan-in and fan-out. */
export function initialWeight(name: (typeof names)[number], fanIn: number, fanOut: number): Initializer {
  const [family, shape] = name.split('_') as [keyof typeof variances, 'uniform' | 'normal'];
  const variance = variances[family](fanIn, fanOut);
  return shape === 'uniform'
    ? { type: 'uniform', bound: Math.sqrt(3 * variance) }
    : { type: 'normal', deviation: Math.sqrt(variance) };
}
