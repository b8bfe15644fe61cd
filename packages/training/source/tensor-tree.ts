import type { Values } from './network.ts';

/**
 * Values by name, nested as the parts of a training are: `{weights: {'conv.weight': …}, auxiliaries: {hint: {regressor:
 * {'conv.weight': …}}}}`. Names become flat in a checkpoint's file alone.
 */
export interface TensorTree {
  [name: string]: Float32Array | TensorTree;
}

/** What a name in a checkpoint's file is put together with; no name of a part contains it. */
const separator = ':';

export function joinNames(names: readonly string[]): string {
  return names.join(separator);
}

/**
 * The tree's values, each under the names that lead to it: `auxiliaries:hint:regressor:conv.weight`.
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

/** The tree that `flatten` took apart. */
export function unflatten(values: Iterable<readonly [name: string, values: Float32Array]>): TensorTree {
  const tree: TensorTree = {};
  for (const [name, value] of values) {
    const path = name.split(separator);
    const last = path.pop() as string;
    branch(tree, path)[last] = value;
  }
  return tree;
}

/** The part of a tree that a path leads to; it is created where it is missing. */
export function branch(tree: TensorTree, path: readonly string[]): TensorTree {
  return path.reduce((at, name) => (at[name] ??= {}) as TensorTree, tree);
}

/** A branch that holds values alone. */
export function valuesOf(tree: TensorTree = {}): Values {
  return tree as Values;
}
