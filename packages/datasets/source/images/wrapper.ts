import { splitNamed } from './split-folders.ts';

/** A file with the parts of its name in Unicode's normal form C. */
export interface Path {
  name: string;
  parts: string[];
}

/** Files below the folders around them. */
export interface Unwrapped {
  /** The folders around all classes or splits, which say nothing; often none. */
  prefix: string[];
  /** The paths below these, without them. */
  paths: Path[];
  /** Files beside the folders. */
  strays: Path[];
}

/**
 * Leaves out the folders around those of the splits, at any depth, or a single folder around those of the classes. Files beside
 * them hide nothing.
 *
 * @throws RangeError when several folders hold folders of splits
 */
export function unwrapped(paths: readonly Path[]): Unwrapped {
  const prefix = splitWrapper(paths) ?? classWrapper(paths) ?? [];
  const inside = (parts: readonly string[]) => prefix.every((part, depth) => parts[depth] === part);
  const isStray = ({ parts }: Path) => parts.length <= prefix.length || !inside(parts);
  return {
    prefix,
    paths: paths
      .filter((path) => !isStray(path))
      .map(({ name, parts }) => ({ name, parts: parts.slice(prefix.length) })),
    strays: paths.filter(isStray),
  };
}

/** The folders around a training folder and another split, or around a training folder and nothing else. */
function splitWrapper(paths: readonly Path[]): string[] | undefined {
  const found = new Map<string, { prefix: string[]; splits: Set<string> }>();
  for (const { parts } of paths) {
    // A folder of a split, a class and a file end each path.
    const depth = parts.findIndex((part, at) => at + 3 <= parts.length && splitNamed(part) !== undefined);
    if (depth < 0) continue;
    const prefix = parts.slice(0, depth);
    const known = found.get(prefix.join('/'));
    const split = splitNamed(parts[depth]) as string;
    if (known === undefined) found.set(prefix.join('/'), { prefix, splits: new Set([split]) });
    else known.splits.add(split);
  }
  const trained = [...found.values()].filter(({ splits }) => splits.has('train'));
  const outer = trained.find(({ prefix }) => prefix.length === 0);
  if (outer !== undefined) return outer.prefix;
  const whole = trained.filter(({ splits }) => splits.size > 1);
  if (whole.length > 1) {
    const named = whole.slice(0, 5).map(({ prefix }) => `"${prefix.join('/')}"`);
    throw new RangeError(
      `${named.join(' and ')} each hold folders of splits: give one of them as "path", or pack it alone`,
    );
  }
  if (whole.length === 1) return whole[0].prefix;
  const [only] = trained;
  const holdsAll = (prefix: readonly string[]) =>
    paths.every(
      ({ parts }) =>
        parts.length === 1 ||
        (prefix.every((part, at) => parts[at] === part) && splitNamed(parts[prefix.length]) === 'train'),
    );
  return only !== undefined && holdsAll(only.prefix) ? only.prefix : undefined;
}

/** A single folder around all folders of classes. */
function classWrapper(paths: readonly Path[]): string[] | undefined {
  const inFolders = paths.filter(({ parts }) => parts.length > 1);
  const wrapper = inFolders[0]?.parts[0];
  const wraps = inFolders.every(({ parts }) => parts[0] === wrapper && parts.length > 2);
  return wrapper !== undefined && wraps && splitNamed(wrapper) === undefined ? [wrapper] : undefined;
}
