import { stat } from 'node:fs/promises';
import { DistilleryError } from '@distillery/spec/errors';
import { MAX_FILE_BYTES } from '../archives/archive.ts';
import { archiveFormats } from '../archives/formats.ts';
import { openRegularFile } from '../regular-file.ts';

/** A file as it was when it was listed. */
export interface FileState {
  path: string;
  size: number;
  /** The time of its last change, in milliseconds. */
  modified: number;
}

async function fileState(path: string): Promise<FileState> {
  const { size, mtimeMs: modified } = await stat(path);
  return { path, size, modified };
}

/** The files that are asked for at a time: the system answers several at once. */
const statsAtOnce = 64;

/** The states of files, by their names. */
export async function fileStates(
  names: readonly string[],
  placeOf: (name: string) => Promise<string>,
  signal?: AbortSignal,
): Promise<Map<string, FileState>> {
  const states = new Map<string, FileState>();
  for (let from = 0; from < names.length; from += statsAtOnce) {
    signal?.throwIfAborted();
    const some = names.slice(from, from + statsAtOnce);
    const found = await Promise.all(some.map(async (name) => fileState(await placeOf(name))));
    some.forEach((name, index) => states.set(name, found[index]));
  }
  return states;
}

/** The state of a file, wherever it is. */
export function withoutPath<T extends object>({ path: _path, ...state }: T & { path?: string }) {
  return state;
}

/** Where images are, and the archive that they are in, if it is one. */
export interface Placed {
  archive?: string;
  places: string[];
}

/** The places of images that are files of their own. */
export function filePlaces(names: readonly string[], states: ReadonlyMap<string, FileState>): Placed {
  const places = names.map((name) => {
    const { path, size, modified } = states.get(name) as FileState;
    return `${size} ${modified} ${path}`;
  });
  return { places };
}

/** Reads the bytes of images in any order. */
export interface OpenedPlaces {
  /**
   * @throws DistilleryError `data_error` where the file is not as it was when it was listed; RangeError for damaged contents
   */
  read(place: string): Promise<Buffer>;
  close(): void;
}

/** @param archive the archive that the places are in; absent: each place is that of a file */
export async function openPlaces(archive: string | undefined): Promise<OpenedPlaces> {
  if (archive === undefined) return { read: readUnchanged, close: () => {} };
  const opened = await (await archiveFormats.of(archive)).open?.(archive);
  if (opened === undefined) throw new RangeError(`${archive} can only be read from its beginning`);
  return opened;
}

async function readUnchanged(place: string): Promise<Buffer> {
  const [, size, modified, path] = /^(\d+) (\S+) (.*)$/s.exec(place) as RegExpExecArray;
  const bytes = await readImage(path, ({ size: now, mtimeMs }) => {
    if (now !== Number(size) || mtimeMs !== Number(modified)) throw changed(path);
  }).catch((cause: NodeJS.ErrnoException) => {
    throw cause.code === 'ENOENT' ? changed(path, cause) : cause;
  });
  // It may have changed while it was read.
  if (bytes.length !== Number(size)) throw changed(path);
  return bytes;
}

function changed(path: string, cause?: unknown): DistilleryError {
  return new DistilleryError(
    'data_error',
    `${path}: was changed or removed after the data set was listed; restore it, or submit the job again`,
    { cause },
  );
}

/**
 * @param check called with the state of the file before it is read
 * @throws RangeError for a file that is too large, or none; the error of the system when it cannot be read
 */
export async function readImage(
  path: string,
  check?: (state: { size: number; mtimeMs: number }) => void,
): Promise<Buffer> {
  const file = await openRegularFile(path);
  try {
    const state = await file.stat();
    check?.(state);
    if (state.size > MAX_FILE_BYTES)
      throw new RangeError(`is ${state.size} bytes long, more than ${MAX_FILE_BYTES}`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}
