import type { Values } from './network.ts';

/**
 * Values by name, nested as the parts of a training are: `{weights: {'conv.weight': …}, auxiliaries: {hint: {regressor:
 * {'conv.weight': …}}}}`. Only in a checkpoint's file are the names
 * flat.
 */
export interface TensorTree {
  [name: string]: Float32Array | TensorTree;
}

/** The separator of names in a checkpoint's file; no name of a part may contain it. */
const separator = ':';

export function joinNames(names: readonly string[]): string {
  return names.join(separator);
}

/**
 * Returns the tree's values, each under the names of its path: `auxiliaries:hint:regressor:conv.weight`.
 *
 * @throws RangeError for a name that contains the separator
 */
export function flatten(tree: TensorTree): [name: string, values: Float32Array][] {
  return Object.entries(tree).flatMap(([name, value]): [string, Float32Array][] => {
    if (name.includes(separator)) throw new RangeError(`${name} contains ${separator}`);
    if (value instanceof Float32Array) return [[name, value]];
    return flatten(value).map(([rest, values]) => [joinNames([name, rest]), values]);
  });
}

/** Rebuilds the tree from the result of `flatten`. */
export function unflatten(values: Iterable<readonly [name: string, values: Float32Array]>): TensorTree {
  const tree: TensorTree = {};
  for (const [name, value] of values) {
    const path = name.split(separator);
    const last = path.pop() as string;
    branch(tree, path)[last] = value;
  }
  return tree;
}

/** Returns the part of a tree at a path, and creates it where it is missing. */
export function branch(tree: TensorTree, path: readonly string[]): TensorTree {
  return path.reduce((at, name) => (at[name] ??= {}) as TensorTree, tree);
}

/** A branch that holds only values. */
export function valuesOf(tree: TensorTree = {}): Values {
  return tree as Values;
}
