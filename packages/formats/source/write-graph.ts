import {
  type GraphNode,
  type GraphOperation,
  type NetworkGraph,
  nodesBefore,
  type NodeOf,
  shapeOfValue,
} from '@distillery/spec';

/** A model that is being written, with the parameters that its operations ask for. */
export interface Target<Model, Parameters> {
  model: Model;
  parameters: Parameters;
}

/** What an operation needs to add itself to a model. */
export interface OperationContext<Model, Parameters> extends Target<Model, Parameters> {
  /** The names of the node's inputs in the model. */
  inputs: readonly string[];
  /** The shapes of the node's inputs in the graph: maps are `[height, width, channels]`, without the batch. */
  shapes: readonly (readonly number[])[];
}

/** For each operation of a network what adds its nodes to a model and returns the name of the result. */
export type Writers<Context> = { [Op in GraphOperation]: (node: NodeOf<Op>, context: Context) => string };

/**
 * Adds the nodes that the output of a network depends on to a model.
 *
 * @param input the name of the network's input in the model
 * @returns the name of the output
 */
export function writeGraph<Model, Parameters>(
  graph: NetworkGraph,
  input: string,
  target: Target<Model, Parameters>,
  writers: Writers<OperationContext<Model, Parameters>>,
): string {
  const names = new Map([[0, input]]);
  const named = (index: number) => names.get(index) as string;
  for (const { node, value } of nodesBefore(graph, graph.output)) {
    const shapes = node.inputs.map((index) => shapeOfValue(graph, index));
    // The table pairs each operation with its writer, which the compiler cannot follow through the union.
    const write = writers[node.op] as (
      node: GraphNode,
      context: OperationContext<Model, Parameters>,
    ) => string;
    names.set(value, write(node, { ...target, inputs: node.inputs.map(named), shapes }));
  }
  return named(graph.output);
}
