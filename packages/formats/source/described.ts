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
