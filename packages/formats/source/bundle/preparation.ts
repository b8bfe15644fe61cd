import { graphOf, inputOf, normalizationOf } from '../described.ts';
import type { Weights } from '../format.ts';

/** How a file takes images: whether channels or positions come first, and whether values are normalised before or by the model. */
export interface ImageInput {
  layout: 'NCHW' | 'NHWC';
  values: 'normalized' | 'pixels';
}

/** What a program does to an input before the network gets it: the content of `preprocessing.json`. */
export type Preparation =
  | ({ input: 'image'; shape: readonly number[]; mean: number[]; std: number[] } & ImageInput)
  | { input: 'ids'; shape: readonly number[]; tokenizer: unknown }
  | { input: 'row'; shape: readonly number[]; columns: unknown };

/**
 * Describes the preparation of an input of a network.
 *
 * @throws DistilleryError `artifact_corrupt` for weights that do not describe their network or its input
 */
export function preparationOf(weights: Weights, image: ImageInput): Preparation {
  const graph = graphOf(weights);
  const { name } = inputOf(graph);
  const { input: shape } = graph;
  const { tokenizer = 'null', columns = 'null' } = weights.metadata;
  if (name === 'ids') return { input: name, shape, tokenizer: JSON.parse(tokenizer) as unknown };
  if (name === 'row') return { input: name, shape, columns: JSON.parse(columns) as unknown };
  return { input: name, shape, ...image, ...normalizationOf(weights) };
}
