import { DistilleryError, type NetworkGraph, parseNetworkGraph } from '@distillery/spec';
import type { Weights } from './format.ts';

/**
 * Returns the operations of the network that the weights belong to.
 *
 * @throws DistilleryError `artifact_corrupt` for weights without a readable graph
 */
export function graphOf({ metadata: { graph } }: Weights): NetworkGraph {
  if (graph !== undefined) return parseNetworkGraph(graph);
  throw new DistilleryError(
    'artifact_corrupt',
    'the weights do not describe their network as a graph, because an older version of Distillery wrote them: train it again',
  );
}

/** What a network takes: the name of the input in files that hold the graph, and whether it holds whole numbers. */
export interface GraphInput {
  name: 'image' | 'ids' | 'row';
  type: 'float' | 'int';
}

/** Returns what the input of a network is: an image, the ids of a text's tokens, or the standardised numbers of a row. */
export function inputOf({ input, nodes }: NetworkGraph): GraphInput {
  if (input.length === 3) return { name: 'image', type: 'float' };
  const readsIds = nodes.some(
    ({ op, inputs: [first] }) => (op === 'embedding' || op === 'present') && first === 0,
  );
  return readsIds ? { name: 'ids', type: 'int' } : { name: 'row', type: 'float' };
}

/**
 * Returns the mean and the standard deviation of each channel, of values from 0 to 1.
 *
 * @throws DistilleryError `artifact_corrupt` for weights of a network that takes no images, or without readable metadata
 */
export function normalizationOf({ metadata: { normalization } }: Weights): { mean: number[]; std: number[] } {
  try {
    const { mean, std } = JSON.parse(normalization) as { mean: unknown; std: unknown };
    if (isNumbers(mean) && isNumbers(std)) return { mean, std };
  } catch (cause) {
    throw new DistilleryError('artifact_corrupt', 'the normalization of the weights is no JSON', { cause });
  }
  throw new DistilleryError('artifact_corrupt', 'the weights have no normalization of images');
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'number');
}
