import type { Net } from '@distillery/engine';
import { z } from 'zod';
import type { Architecture } from '../architecture.ts';
import { image, type Node, nodesOf } from '../layers/graph.ts';
import { type Activation, activate } from '../layers/layer-kind.ts';
import { layerList } from '../layers/list.ts';
import { dense } from '../layers/kernels.ts';

const options = z.strictObject({
  layers: layerList,
  classifier: z
    .boolean()
    .default(false)
    .describe(
      'Whether to add a dense layer "classifier" with one unit for each class. If false, the last layer of the list must be such a layer.',
    ),
});

/**
 * A user-defined network, as a list of Keras layers. Every layer with a name is a tap of that name, and the input of
 * its activation is the tap `<name>_pre`. `features` is the vector that the last dense layer reads, before a dropout,
 * and `logits` is the output of that layer, without a softmax.
 */
export const layers: Architecture<typeof options> = {
  type: 'layers',
  summary: 'A network that you define: a list of Keras layers, or the output of model.to_json() in Keras.',
  reference: 'https://keras.io/api/layers/',
  options,
  forward(net, input, { layers: list, classifier }, { classes }) {
    const added = { layer: dense.layer, name: 'classifier', ...dense.options.parse({ units: classes }) };
    const nodes = nodesOf(classifier ? [...list, added] : list);
    const end = nodes.findLastIndex(({ kind }) => kind === dense);
    checkEnd(nodes, end, classes);
    const features = featuresOf(nodes, end);
    const outputs = new Map([[image, input]]);
    let x = input;
    for (const [index, node] of nodes.entries()) {
      x = withLayerInErrors(node, index, () =>
        compute(
          net,
          node,
          node.inputs.map((name) => outputs.get(name) as typeof x),
        ),
      );
      outputs.set(node.name, x);
      if (node.tapped) net.tap(node.name, x);
      if (node.name === features && features !== 'features') net.tap('features', x);
    }
    return nodes.at(-1)?.name === 'logits' ? x : net.tap('logits', x);
  },
};

function compute<T>(net: Net<T>, { kind, name, tapped, options: given }: Node, inputs: T[]): T {
  const y = kind.apply(net, name, inputs, given);
  const activation = (given.activation ?? 'linear') as Activation;
  if (activation === 'linear' || activation === 'softmax') return y;
  return activate(net, tapped ? net.tap(`${name}_pre`, y) : y, activation);
}

/** Adds the position, kind and name of the layer to a RangeError that a step throws. */
function withLayerInErrors<T>({ kind, name }: Node, index: number, step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new RangeError(`layers/${index} (${kind.layer} ${JSON.stringify(name)}): ${error.message}`, {
      cause: error,
    });
  }
}

/**
 * Checks that the last layer is dense, with one unit for each class and no activation except a softmax, which may also
 * be a separate layer after it.
 *
 * @param end the index of the last dense layer, or −1
 * @throws RangeError if it is not
 */
function checkEnd(nodes: readonly Node[], end: number, classes: number): void {
  const softmax = (node: Node | undefined) => node?.options.activation === 'softmax';
  const early = nodes.findIndex((node, index) => softmax(node) && index < Math.max(end, nodes.length - 1));
  if (early >= 0) throw new RangeError(`layers/${early}: a softmax is only allowed in the last layer`);
  const remedy = 'or set "classifier" to true, which adds such a layer';
  const last = nodes.length - 1;
  const softmaxAfter = last === end + 1 && nodes[last].kind.layer === 'activation' && softmax(nodes[last]);
  if (end < 0 || (last !== end && !softmaxAfter)) {
    throw new RangeError(`the last layer is ${nodes[last].kind.layer}: end in a dense layer, ${remedy}`);
  }
  const { units, activation } = nodes[end].options;
  if (units !== classes) {
    throw new RangeError(
      `layers/${end}: the last layer has ${units} units, the data set ${classes} classes: give it ${classes} units, ${remedy}`,
    );
  }
  if (activation !== 'linear' && activation !== 'softmax') {
    throw new RangeError(
      `layers/${end}: the last layer has the activation ${activation}, but its output must be logits: remove it, ${remedy}`,
    );
  }
}

/** Returns the name of the layer whose output the classifier reads, not counting dropout. */
function featuresOf(nodes: readonly Node[], end: number): string {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  let [name] = nodes[end].inputs;
  for (let node = byName.get(name); node?.kind.passes === true; node = byName.get(name)) [name] = node.inputs;
  return name;
}
