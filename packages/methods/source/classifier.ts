import type { ParameterShapes } from './term.ts';

/** The parameter names of a linear layer. */
interface LinearLayer {
  /** Names the weight, `[width, classes]`. */
  weight: string;
  /** Names the bias; empty in a layer without bias. */
  bias: string[];
}

/**
 * Finds a network's classifier: the last linear layer from `width` features to `classes` logits.
 *
 * @returns undefined if the network has no such layer
 */
export function classifierOf(
  parameters: ParameterShapes,
  width: number,
  classes: number,
): LinearLayer | undefined {
  const weight = Object.keys(parameters).findLast((name) => `${parameters[name]}` === `${[width, classes]}`);
  if (weight === undefined) return undefined;
  const bias = weight.replace(/weight$/, 'bias');
  return { weight, bias: bias !== weight && bias in parameters ? [bias] : [] };
}
