import { readlink, realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { DistilleryError } from '@distillery/spec';
import type { DatasetContext } from './dataset.ts';
import { noteLocalFile, shownPath, type StoredFile, storedFile } from './stored-file.ts';

/** Linux follows no more. */
const maximumLinks = 40;

/**
 * Resolves a `path` option to a real path below an allowed root. Links of the path and of the roots are resolved first, so
 * that a link inside a root cannot lead out of it. A relative path is searched below each root in turn. A stored file is found or
 * made by `context.stored`.
 *
 * @param option the name of the option that holds the path
 * @throws DistilleryError `data_error` with the option's field when the path does not exist, or is outside the roots. The
 *   error for a path outside is the same whether or not the path exists, also where a link inside leads to it
 */
export async function resolveSourcePath(
  path: string,
  context: DatasetContext,
  option = 'path',
): Promise<string> {
  const stored = storedFile(path);
  if (stored !== undefined) return await localPath(stored, path, context, option);
  const roots = await realRoots(context.roots);
  const candidates = isAbsolute(path) ? [path] : roots.map((root) => join(root, path));
  let missing = false;
  for (const candidate of candidates) {
    const real = await realpath(candidate).catch(() => undefined);
    if (real === undefined) {
      const end = await followed(candidate);
      missing ||= roots.some((root) => isUnder(end, root));
    } else if (roots.some((root) => isUnder(real, root))) return real;
  }
  throw badPath(path, missing ? 'does not exist' : 'is not under an allowed folder', context, { option });
}

/** Creates a `data_error` about the `path` option, or about another option that holds a path. */
export function badPath(
  path: string,
  message: string,
  context: DatasetContext,
  { option = 'path', cause }: { option?: string; cause?: unknown } = {},
) {
  const shown = shownPath(path);
  const allowed = shown === path ? { allowed: [...context.roots] } : {};
  return new DistilleryError('data_error', `${shown}: ${message}`, {
    cause,
    fields: [{ path: `/dataset/${option}`, value: shown, message, ...allowed }],
  });
}

async function localPath(
  file: StoredFile,
  path: string,
  context: DatasetContext,
  option: string,
): Promise<string> {
  if (context.stored === undefined) throw badPath(path, 'is a file of a service', context, { option });
  try {
    const local = await context.stored(file);
    noteLocalFile(local, file);
    return local;
  } catch (cause) {
    const code = cause instanceof DistilleryError ? cause.code : undefined;
    const lost = {
      checkpoint_not_found: 'is no longer in the store',
      artifact_corrupt: 'is damaged in the store',
    };
    if (code !== 'checkpoint_not_found' && code !== 'artifact_corrupt') throw cause;
    throw badPath(path, `${lost[code]}; upload it again`, context, { option, cause });
  }
}

/** Returns where a path leads, past links; undefined where that is nowhere, or outside the allowed roots. */
export async function allowedPath(path: string, roots: readonly string[]): Promise<string | undefined> {
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined) return undefined;
  return (await realRoots(roots)).some((root) => isUnder(real, root)) ? real : undefined;
}

/**
 * Runs a step over a source and turns other errors into a `data_error` that names its path, but for faults of this program. Those
 * cannot be told from errors of libraries for files by their class alone, which throw plain errors.
 */
export async function asDataError<T>(
  { path }: { path: string },
  context: DatasetContext,
  step: () => Promise<T>,
): Promise<T> {
  try {
    return await step();
  } catch (cause) {
    context.signal?.throwIfAborted();
    if (cause instanceof DistilleryError || isFault(cause)) throw cause;
    throw badPath(path, (cause as Error).message, context, { cause });
  }
}

/** Whether an error is a fault of this program. Those of Node about its arguments have a code. */
function isFault(error: unknown): boolean {
  const isProgram = error instanceof TypeError || error instanceof ReferenceError;
  return isProgram && (error as NodeJS.ErrnoException).code === undefined;
}

/** Follows the links of a path as the system does, past parts that do not exist. */
async function followed(path: string): Promise<string> {
  const parts = path.split(sep);
  let end: string = sep;
  for (let links = 0; parts.length > 0; ) {
    const part = parts.shift() as string;
    if (part === '' || part === '.') continue;
    if (part === '..') {
      end = dirname(end);
      continue;
    }
    const next = join(end, part);
    const target = await readlink(next).catch(() => undefined);
    if (target === undefined || ++links > maximumLinks) end = next;
    else {
      if (isAbsolute(target)) end = sep;
      parts.unshift(...target.split(sep));
    }
  }
  return end;
}

async function realRoots(roots: readonly string[]): Promise<string[]> {
  const found = await Promise.all(roots.map((root) => realpath(root).catch(() => undefined)));
  return found.filter((root) => root !== undefined);
}

function isUnder(path: string, root: string): boolean {
  const inside = relative(root, path);
  return inside !== '..' && !inside.startsWith(`..${sep}`) && !isAbsolute(inside);
}
