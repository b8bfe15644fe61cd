import type { ParameterShapes } from './term.ts';

/** A linear layer by its parameters. */
interface LinearLayer {
  /** `[width, classes]` */
  weight: string;
  /** Empty in a layer without. */
  bias: string[];
}

/** The last linear layer of those widths: a network's classifier, seen from its features. */
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
