import { layerKind } from './kinds.ts';
import type { LayerKind } from './layer-kind.ts';

/** One layer of a list, in the readable form. Its options are further properties. */
export interface Layer extends Record<string, unknown> {
  layer: string;
  /** The name of the layer and of its tap. A layer without a name has no tap. */
  name?: string;
  /** Names of earlier layers, or `input`. Defaults to the layer before. */
  inputs?: string[];
}

/** A layer as a node of the network's graph. */
export interface Node {
  kind: LayerKind;
  /** The given name, or a generated one: `conv2d`, `conv2d_1`… as in Keras. */
  name: string;
  tapped: boolean;
  inputs: string[];
  options: Layer;
}

/** A layer that does not fit into the graph. */
export interface Misfit {
  index: number;
  /** The property at fault; absent if it is the layer as a whole. */
  key?: 'name' | 'inputs';
  message: string;
  allowed?: string[];
}

/** The name of the image among the inputs of a layer. */
export const image = 'input';

/** Completes the name and inputs of every layer. */
export function nodesOf(layers: readonly Layer[]): Node[] {
  const taken = new Set(layers.map(({ name }) => name));
  const made = new Map<string, number>();
  let before = image;
  return layers.map((options) => {
    const { layer, name = makeName(layer), inputs = [before] } = options;
    before = name;
    return { kind: layerKind(layer), name, tapped: options.name !== undefined, inputs, options };
  });

  function makeName(layer: string): string {
    for (let count = made.get(layer) ?? 0; ; count++) {
      const name = count === 0 ? layer : `${layer}_${count}`;
      if (taken.has(name)) continue;
      made.set(layer, count + 1);
      return name;
    }
  }
}

/** Finds every reason why the nodes do not form one network from the image to the last layer. */
export function misfits(nodes: readonly Node[]): Misfit[] {
  const found: Misfit[] = [];
  const known = [image];
  const used = new Set<string>();
  for (const [index, { kind, name, inputs }] of nodes.entries()) {
    if (known.includes(name)) {
      const message =
        name === image
          ? 'is reserved for the image'
          : 'is the name of an earlier layer: names must be unique';
      found.push({ index, key: 'name', message });
    }
    for (const input of inputs.filter((wanted) => !known.includes(wanted))) {
      const message = `${JSON.stringify(input)} is not an earlier layer`;
      found.push({ index, key: 'inputs', message, allowed: [...known] });
    }
    if ((kind.joins === true) !== inputs.length > 1) {
      const expected = kind.joins === true ? 'two or more inputs' : 'one input';
      const message = `a layer ${kind.layer} must have ${expected}, not ${inputs.length}`;
      found.push({ index, key: 'inputs', message });
    }
    for (const input of inputs) used.add(input);
    known.push(name);
  }
  for (const [index, { name }] of nodes.slice(0, -1).entries()) {
    if (used.has(name)) continue;
    found.push({ index, message: `no layer reads the output of ${JSON.stringify(name)}` });
  }
  return found;
}
