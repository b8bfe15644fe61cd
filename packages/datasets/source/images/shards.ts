import { readdir, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import type { DatasetContext } from '../dataset.ts';
import { allowedPath, badPath, resolveSourcePath } from '../source-path.ts';
import { splitNamed, type SplitName } from './split-folders.ts';

/** A file that holds many samples. */
export interface Shard {
  /** Its name in messages: relative to the folder, if one is given. */
  name: string;
  /** Its real path. */
  path: string;
  split: SplitName;
}

const mostShards = 10_000;
const mostDepth = 6;

/**
 * Finds the shards that a path names: a file, a folder of files, or names with a range of numbers, `train-{000..127}.tar`. Their
 * splits are told by the beginnings of their names or by their folders; without any such name all are for training.
 *
 * @param pattern of the names of shards
 * @throws DistilleryError `data_error` for a path without a shard
 */
export async function shardsOf(path: string, pattern: RegExp, context: DatasetContext): Promise<Shard[]> {
  const named = expanded(path);
  if (named.length > mostShards)
    throw badPath(path, `names ${named.length} files, more than ${mostShards}`, context);
  const found: { name: string; path: string }[] = [];
  for (const one of named) {
    const real = await resolveSourcePath(one, context);
    const kind = await stat(real);
    if (kind.isDirectory()) await walk(real, real, 0);
    else if (kind.isFile()) found.push({ name: basename(real), path: real });
    else throw badPath(path, 'is not a regular file', context);
  }
  if (found.length === 0) throw badPath(path, `holds no file ${pattern.source}`, context);
  found.sort((a, b) => (a.name < b.name ? -1 : 1));
  const isSplit = found.some(({ name }) => splitOfName(name) !== undefined);
  return found.flatMap((shard) => {
    const split = isSplit ? splitOfName(shard.name) : 'train';
    return split === undefined ? [] : [{ ...shard, split }];
  });

  async function walk(root: string, folder: string, depth: number): Promise<void> {
    for (const entry of await readdir(folder)) {
      context.signal?.throwIfAborted();
      if (entry.startsWith('.')) continue;
      // Caches of Hugging Face hold links to their files.
      const real = await allowedPath(join(folder, entry), context.roots);
      const kind = real === undefined ? undefined : await stat(real);
      if (kind?.isDirectory() && depth < mostDepth) await walk(root, join(folder, entry), depth + 1);
      else if (kind?.isFile() && pattern.test(entry))
        found.push({ name: relative(root, join(folder, entry)), path: real as string });
      if (found.length > mostShards) throw badPath(path, `holds more than ${mostShards} files`, context);
    }
  }
}

/**
 * The names that a range of numbers in braces stands for, with the leading zeros of its ends. The path of a stored file has none:
 * who may use it is decided by the path as it was sent.
 */
function expanded(path: string): string[] {
  const [whole, first, last] = /\{(\d{1,9})\.\.(\d{1,9})\}/.exec(path) ?? [];
  if (whole === undefined || path.startsWith('stored:')) return [path];
  const [from, to] = [Number(first), Number(last)];
  // One more than is allowed is enough to refuse it.
  const count = Math.min(Math.max(0, to - from + 1), mostShards + 1);
  return Array.from({ length: count }, (_, at) =>
    path.replace(whole, String(from + at).padStart(first.length, '0')),
  );
}

function splitOfName(name: string): SplitName | undefined {
  for (const part of name.split('/').reverse()) {
    const split = splitNamed(/^[a-z]+/i.exec(part)?.[0] ?? '');
    if (split !== undefined) return split;
  }
  return undefined;
}
