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
      'adds a dense layer "classifier" with a unit for each class; without it, the last layer must be that',
    ),
});

/**
 * A network of the user's own, as a list of Keras' layers. Every layer that has a name is a tap of that name, what goes
 * into its activation `<name>_pre`; `features` is the vector that the last dense layer reads, before a dropout, `logits`
 * what it puts out, without a softmax.
 */
export const layers: Architecture<typeof options> = {
  type: 'layers',
  summary: "A network of your own: a list of Keras' layers, or what Keras' model.to_json() wrote",
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
      x = named(node, index, () =>
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

/** Says of which layer an error speaks. */
function named<T>({ kind, name }: Node, index: number, step: () => T): T {
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
 * The last layer must be dense, with a unit for each class and no activation but a softmax, which may also stand behind.
 *
 * @param end where the last dense layer is
 */
function checkEnd(nodes: readonly Node[], end: number, classes: number): void {
  const softmax = (node: Node | undefined) => node?.options.activation === 'softmax';
  const early = nodes.findIndex((node, index) => softmax(node) && index < Math.max(end, nodes.length - 1));
  if (early >= 0) throw new RangeError(`layers/${early}: a softmax is taken of the last layer alone`);
  const way = 'or set "classifier" to true, which adds such a layer';
  const last = nodes.length - 1;
  const behind = last === end + 1 && nodes[last].kind.layer === 'activation' && softmax(nodes[last]);
  if (end < 0 || (last !== end && !behind)) {
    throw new RangeError(`the last layer is ${nodes[last].kind.layer}; end in a dense one, ${way}`);
  }
  const { units, activation } = nodes[end].options;
  if (units !== classes) {
    throw new RangeError(
      `layers/${end}: the last layer has ${units} units, the data set ${classes} classes; give it ${classes}, ${way}`,
    );
  }
  if (activation !== 'linear' && activation !== 'softmax') {
    throw new RangeError(
      `layers/${end}: the last layer's logits have no ${activation}; leave it out, ${way}`,
    );
  }
}

/** The layer whose output is the last vector before the classifier, dropout aside. */
function featuresOf(nodes: readonly Node[], end: number): string {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  let [name] = nodes[end].inputs;
  for (let node = byName.get(name); node?.kind.passes === true; node = byName.get(name)) [name] = node.inputs;
  return name;
}
