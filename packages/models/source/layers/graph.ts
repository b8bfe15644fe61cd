import { layerKind } from './kinds.ts';
import type { LayerKind } from './layer-kind.ts';

/** One layer as a list holds it, whatever form it was given in: its options stand beside these. */
export interface Layer extends Record<string, unknown> {
  layer: string;
  /** Also the name of its tap; a layer without one has none. */
  name?: string;
  /** Names of earlier layers, or `input`; the layer before where absent. */
  inputs?: string[];
}

/** A layer in its place. */
export interface Node {
  kind: LayerKind;
  /** Its own, or one that was made up: `conv2d`, `conv2d_1`… as Keras has it. */
  name: string;
  tapped: boolean;
  inputs: string[];
  options: Layer;
}

/** What is wrong with a layer's place. */
export interface Misfit {
  index: number;
  /** The property at fault; absent for the layer as a whole. */
  key?: 'name' | 'inputs';
  message: string;
  allowed?: string[];
}

/** The image, among the names that inputs may have. */
export const image = 'input';

/** Gives every layer its name and inputs. */
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

/** Everything by which nodes do not make one network, with an image going in and the last layer coming out. */
export function misfits(nodes: readonly Node[]): Misfit[] {
  const found: Misfit[] = [];
  const known = [image];
  const used = new Set<string>();
  for (const [index, { kind, name, inputs }] of nodes.entries()) {
    if (known.includes(name)) {
      const message = name === image ? 'is the name of the image' : 'is the name of an earlier layer';
      found.push({ index, key: 'name', message });
    }
    for (const input of inputs.filter((wanted) => !known.includes(wanted))) {
      const message = `${JSON.stringify(input)} is no earlier layer`;
      found.push({ index, key: 'inputs', message, allowed: [...known] });
    }
    if ((kind.joins === true) !== inputs.length > 1) {
      const wanted = kind.joins === true ? 'joins two inputs or more' : 'takes one input';
      const message = `a layer ${kind.layer} ${wanted}, not ${inputs.length}`;
      found.push({ index, key: 'inputs', message });
    }
    for (const input of inputs) used.add(input);
    known.push(name);
  }
  for (const [index, { name }] of nodes.slice(0, -1).entries()) {
    if (used.has(name)) continue;
    found.push({ index, message: `the output of ${JSON.stringify(name)} goes nowhere` });
  }
  return found;
}
