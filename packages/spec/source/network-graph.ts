import { z } from 'zod';
import { DistilleryError } from './errors.ts';

/**
 * A network as data: the operations of its forward pass in evaluation, in an order in which they can be computed. Weights files
 * hold it beside the parameters, so that a program that knows only these operations can rebuild the network.
 *
 * Value 0 is the input and value `i + 1` the result of node `i`. Shapes leave out the batch; maps are
 * `[height, width, channels]`, sequences `[tokens, width]` and vectors `[width]`. `name` is the prefix of a node's parameters,
 * which have PyTorch's names and layout: `conv1` has `conv1.weight` and, with `bias`, `conv1.bias`.
 */
const extent = z
  .int()
  .min(1)
  .max(2 ** 31);
const shape = z.array(extent).max(8);
const value = z.int().min(0);
const name = z.string().min(1).max(512);

const one = z.tuple([value]);
const two = z.tuple([value, value]);
const grid = {
  kernel: extent,
  stride: extent,
  padding: z
    .int()
    .min(0)
    .max(2 ** 16),
};

/** The fields of each operation, beside its inputs and the shape of its result. */
const operations = [
  z.strictObject({ op: z.literal('conv'), inputs: one, shape, name, ...grid, bias: z.boolean() }),
  z.strictObject({
    op: z.literal('depthwise'),
    inputs: one,
    shape,
    name,
    ...grid,
    /** Absent: there is none. */
    bias: z.boolean().optional(),
  }),
  z.strictObject({ op: z.literal('enlarge'), inputs: one, shape, name, factor: extent, bias: z.boolean() }),
  z.strictObject({ op: z.literal('linear'), inputs: one, shape, name, bias: z.boolean() }),
  z.strictObject({ op: z.literal('batchNorm'), inputs: one, shape, name, epsilon: z.number().positive() }),
  z.strictObject({ op: z.literal('layerNorm'), inputs: one, shape, name, epsilon: z.number().positive() }),
  z.strictObject({ op: z.literal('relu'), inputs: one, shape }),
  z.strictObject({ op: z.literal('relu6'), inputs: one, shape }),
  z.strictObject({ op: z.literal('gelu'), inputs: one, shape }),
  z.strictObject({
    op: z.literal('activate'),
    inputs: one,
    shape,
    by: z.enum(['sigmoid', 'silu', 'hard_sigmoid', 'hard_swish', 'tanh']),
  }),
  z.strictObject({
    op: z.literal('maxPool'),
    inputs: one,
    shape,
    size: extent,
    stride: extent,
    /** Absent: 0. */
    padding: grid.padding.optional(),
  }),
  z.strictObject({ op: z.literal('averagePool'), inputs: one, shape, size: extent, stride: extent }),
  z.strictObject({ op: z.literal('globalAveragePool'), inputs: one, shape }),
  z.strictObject({ op: z.literal('meanMap'), inputs: one, shape }),
  z.strictObject({ op: z.literal('flatten'), inputs: one, shape }),
  z.strictObject({ op: z.literal('add'), inputs: two, shape }),
  // The second input is a map of the same shape or `[1, 1, channels]`.
  z.strictObject({ op: z.literal('multiply'), inputs: two, shape }),
  z.strictObject({ op: z.literal('channelScale'), inputs: one, shape, name }),
  z.strictObject({ op: z.literal('scale'), inputs: one, shape, factor: z.number() }),
  z.strictObject({ op: z.literal('concat'), inputs: z.array(value).min(1), shape }),
  z.strictObject({ op: z.literal('slice'), inputs: one, shape, from: z.int().min(0), to: extent }),
  z.strictObject({ op: z.literal('shuffle'), inputs: one, shape, groups: extent }),
  z.strictObject({ op: z.literal('tokens'), inputs: one, shape }),
  z.strictObject({ op: z.literal('embedding'), inputs: one, shape, name }),
  z.strictObject({ op: z.literal('prepend'), inputs: one, shape, name }),
  z.strictObject({ op: z.literal('positions'), inputs: one, shape, name }),
  z.strictObject({ op: z.literal('positionTable'), inputs: one, shape, name }),
  // The second input are ids. Without a separator all tokens are of the first segment.
  z.strictObject({
    op: z.literal('segments'),
    inputs: two,
    shape,
    name,
    separator: z.int().optional(),
  }),
  z.strictObject({ op: z.literal('token'), inputs: one, shape, index: z.int().min(0) }),
  // The second input is a mask.
  z.strictObject({ op: z.literal('meanOfTokens'), inputs: z.union([one, two]), shape }),
  z.strictObject({ op: z.literal('present'), inputs: one, shape, padding: z.int() }),
  // Queries, keys, values and, where there is one, a mask.
  z.strictObject({
    op: z.literal('attention'),
    inputs: z.union([z.tuple([value, value, value]), z.tuple([value, value, value, value])]),
    shape,
    heads: extent,
  }),
  // Queries, keys and, where there is one, a mask.
  z.strictObject({
    op: z.literal('attentionScores'),
    inputs: z.union([two, z.tuple([value, value, value])]),
    shape,
    heads: extent,
  }),
  z.strictObject({ op: z.literal('freeParameter'), inputs: z.tuple([]), shape, name }),
] as const;

export const networkGraphSchema = z.strictObject({
  version: z.literal(1),
  /** `[height, width, channels]` of images, `[tokens]` of texts. */
  input: shape,
  nodes: z.array(z.discriminatedUnion('op', operations)).max(100_000),
  /** The value that holds the logits. */
  output: value,
  /** The named intermediate values. */
  taps: z.record(z.string(), value),
});

export type NetworkGraph = z.output<typeof networkGraphSchema>;
export type GraphNode = NetworkGraph['nodes'][number];
export type GraphOperation = GraphNode['op'];
export type NodeOf<Op extends GraphOperation> = Extract<GraphNode, { op: Op }>;

/**
 * Reads a graph from JSON.
 *
 * @throws DistilleryError `artifact_corrupt` for a text that is not a graph, or whose nodes use values that come after them
 */
export function parseNetworkGraph(text: string): NetworkGraph {
  let graph: NetworkGraph;
  try {
    graph = networkGraphSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new DistilleryError('artifact_corrupt', 'the graph of the network cannot be read', { cause });
  }
  for (const [index, { op, inputs }] of graph.nodes.entries()) {
    const late = inputs.find((input) => input > index);
    if (late !== undefined) {
      throw new DistilleryError(
        'artifact_corrupt',
        `the graph's node ${index} (${op}) reads value ${late}, which comes later`,
      );
    }
  }
  const missing = [graph.output, ...Object.values(graph.taps)].find((each) => each > graph.nodes.length);
  if (missing === undefined) return graph;
  throw new DistilleryError('artifact_corrupt', `the graph has no value ${missing}`);
}

/** Returns the shape of a value, without the batch. */
export function shapeOfValue({ input, nodes }: NetworkGraph, index: number): readonly number[] {
  return index === 0 ? input : nodes[index - 1].shape;
}

/** Returns the nodes that a value depends on, in their order, each with the value that it computes. */
export function nodesBefore({ nodes }: NetworkGraph, output: number): { node: GraphNode; value: number }[] {
  const needed = new Set([output]);
  for (let index = nodes.length; index > 0; index--) {
    if (needed.has(index)) for (const input of nodes[index - 1].inputs) needed.add(input);
  }
  return nodes.map((node, index) => ({ node, value: index + 1 })).filter((each) => needed.has(each.value));
}
