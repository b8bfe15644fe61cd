import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '@distillery/spec';
import { makeRoom, touch } from '@distillery/store';
import { bytesOf, contentDigest, splitDigest } from './content-digest.ts';
import {
  type About,
  type Dataset,
  type DatasetContext,
  type DatasetOutline,
  defaultDiskBytes,
  inputBytes,
  type Split,
} from './dataset.ts';
import type { FileRows } from './readers/file.ts';
import { storedContent, type StoredFile } from './stored-file.ts';
import { refuse, SplitDraft, type SplitWriter } from './split-draft.ts';

/** Part of every key: raise it when decoding changes, so that older copies are no longer used. */
const FORMAT = 2;
const DRAFT_AGE_MS = 6 * 3_600_000;
/** The default of `DatasetContext.memoryBytes`. */
const MEMORY_BYTES = 512 * 2 ** 20;

interface Manifest {
  format: number;
  /** The digest of the data file beside it, and of the data set. */
  digest: string;
  classes: string[];
  trainCount: number;
  testCount: number;
  skipped: Dataset['skipped'];
  notes?: Dataset['notes'];
  input: Input;
  bytes: number;
}

/** The description of the inputs. */
type Input = Omit<About, 'classes' | 'skipped' | 'notes'>;

/** Decodes every sample into the writer of its split, and returns their description. */
export type Decode = (writers: { train: SplitWriter; test: SplitWriter }) => Promise<About>;

/**
 * Opens the decoded copy of a data set in `cacheDir`, or decodes the data set there. Only labels are held in memory.
 *
 * A copy is `<digest>.data` (train inputs, train labels, test inputs, test labels; labels as int32 in this machine's byte
 * order) and a manifest `<key>.json`, which is written last: a data file without a manifest is ignored. Both are written
 * under temporary names and renamed, so that processes that decode at the same time leave one complete copy. The digest
 * is verified here, once: a damaged copy is decoded again.
 *
 * @param fingerprint everything that the decoded bytes depend on: the source's files with sizes and times, and the options
 * @throws DistilleryError `disk_full` or `data_unavailable` when the copy cannot be written; the reason of the context's
 *   signal when it is aborted
 */
export async function decodedOnce(
  fingerprint: unknown,
  context: DatasetContext,
  decode: Decode,
): Promise<Dataset> {
  const found = await readManifest(fingerprint, context);
  const kept = found && (await openCopy(found, context));
  if (kept !== undefined) {
    await touch(manifestPath(fingerprint, context)).catch(() => {});
    return kept;
  }
  await mkdir(decodedFolder(context), { recursive: true }).catch(refuse);
  await sweepDrafts(decodedFolder(context));
  const manifest = await writeCopy(context, decode);
  const check = digestOf(manifest);
  await writeWhole(manifestPath(fingerprint, context), JSON.stringify({ ...manifest, check })).catch(refuse);
  await makeRoom(decodedFolder(context), context.diskBytes ?? defaultDiskBytes);
  return datasetOf(manifest, await labelsIn(manifest, context), context);
}

/** Reads the manifest of a decoded copy; undefined when it is missing, or does not match its own digest. */
export async function readManifest(
  fingerprint: unknown,
  context: DatasetContext,
): Promise<Manifest | undefined> {
  try {
    const { check, ...manifest } = JSON.parse(await readFile(manifestPath(fingerprint, context), 'utf8'));
    return manifest.format === FORMAT && check === digestOf(manifest) ? manifest : undefined;
  } catch {
    return undefined;
  }
}

/** Describes a data set by its decoded copy; undefined when there is none. */
export async function keptOutline(
  fingerprint: unknown,
  context: DatasetContext,
): Promise<DatasetOutline | undefined> {
  const manifest = await readManifest(fingerprint, context);
  if (manifest === undefined) return undefined;
  const { classes, trainCount, testCount, input } = manifest;
  const { shape, vocabulary, validation, unlabeled } = input;
  return {
    classes,
    shape: [...shape],
    trainCount,
    testCount,
    ...(vocabulary !== undefined && { vocabulary }),
    ...(validation !== undefined && { validation }),
    ...(unlabeled !== undefined && { unlabeled }),
  };
}

/** Opens a copy; undefined when its data file is missing, or does not match its digest. */
async function openCopy(manifest: Manifest, context: DatasetContext): Promise<Dataset | undefined> {
  const { input, trainCount, testCount, bytes } = manifest;
  if (bytes !== (trainCount + testCount) * (inputBytes(input) + 4)) return undefined;
  const path = dataPath(manifest.digest, context);
  try {
    // Hashing all of CIFAR-10 takes a tenth of a second, and finds flipped bits as well as short files.
    if (
      (await stat(path)).size !== bytes ||
      (await digestOfFile(path, manifest, context)) !== manifest.digest
    )
      return undefined;
    await touch(path);
    return datasetOf(manifest, await labelsIn(manifest, context), context);
  } catch {
    context.signal?.throwIfAborted();
    return undefined;
  }
}

function digestOfFile(
  path: string,
  { classes, skipped, input, trainCount: train, testCount: test }: Omit<Manifest, 'digest'>,
  { signal }: DatasetContext,
): Promise<string> {
  const content: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: 1 << 20 });
  return contentDigest({ classes, skipped, ...input } as About, { train, test }, content, signal);
}

/** Decodes into drafts, and renames them to the copy when its digest is known. */
async function writeCopy(context: DatasetContext, decode: Decode): Promise<Manifest> {
  const paths = ['train', 'test'].map((split) =>
    join(decodedFolder(context), `${randomUUID()}.${split}.tmp`),
  );
  const drafts: SplitDraft[] = [];
  try {
    for (const path of paths) drafts.push(await SplitDraft.create(path));
    const [train, test] = drafts;
    const { classes, skipped, notes, ...input } = await decode({ train, test });
    context.signal?.throwIfAborted();
    const [trainLabels, testLabels] = [await train.finish(), await test.finish()];
    await train.append(bytesOf(trainLabels));
    for await (const chunk of test.file.createReadStream({
      start: 0,
      autoClose: false,
      highWaterMark: 1 << 20,
    }))
      await train.append(chunk as Buffer);
    await train.append(bytesOf(testLabels));
    await train.file.sync().catch(refuse);
    const { size: bytes } = await train.file.stat();
    const counts = { trainCount: trainLabels.length, testCount: testLabels.length };
    const said = notes === undefined ? {} : { notes };
    const described = { format: FORMAT, classes, ...counts, skipped, ...said, input, bytes };
    const digest = await digestOfFile(paths[0], described, context);
    await rename(paths[0], dataPath(digest, context)).catch(refuse);
    return { ...described, digest };
  } finally {
    for (const draft of drafts) await draft.file.close();
    for (const path of paths) await rm(path, { force: true });
  }
}

async function labelsIn(manifest: Manifest, context: DatasetContext): Promise<[Int32Array, Int32Array]> {
  const { trainCount, testCount, input } = manifest;
  const each = inputBytes(input);
  const file = await open(dataPath(manifest.digest, context));
  try {
    const read = async (count: number, position: number) => {
      const labels = new Int32Array(count);
      const { bytesRead } = await file.read(bytesOf(labels), 0, 4 * count, position);
      if (bytesRead !== 4 * count) throw new RangeError('the file ends early');
      return labels;
    };
    const train = await read(trainCount, trainCount * each);
    return [train, await read(testCount, trainCount * (each + 4) + testCount * each)];
  } finally {
    await file.close();
  }
}

function datasetOf(manifest: Manifest, labels: [Int32Array, Int32Array], context: DatasetContext): Dataset {
  const { digest, classes, skipped, notes, input, trainCount } = manifest;
  const bytes = inputBytes(input);
  const splitOf = (split: 'train' | 'test', index: 0 | 1): Split => {
    const count = labels[index].length;
    const reader: FileRows = {
      kind: 'file',
      path: dataPath(digest, context),
      offset: split === 'train' ? 0 : trainCount * (bytes + 4),
      memory: context.memoryBytes ?? MEMORY_BYTES,
      count,
      shape: [...input.shape],
      bytes,
      digest: splitDigest(digest, split),
    };
    return { reader, labels: labels[index], count };
  };
  const about = { classes, skipped, ...(notes && { notes }), ...input } as About;
  return { digest, ...about, train: splitOf('train', 0), test: splitOf('test', 1) };
}

async function writeWhole(path: string, content: string): Promise<void> {
  const draft = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(draft, content, { flush: true });
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/** Removes the drafts of processes that were killed while writing. A draft in use is far younger than the limit. */
async function sweepDrafts(path: string): Promise<void> {
  for (const name of await readdir(path)) {
    if (!name.endsWith('.tmp')) continue;
    const modified = (await stat(join(path, name)).catch(() => undefined))?.mtimeMs ?? Date.now();
    if (Date.now() - modified > DRAFT_AGE_MS) await rm(join(path, name), { force: true });
  }
}

/** The folder of decoded copies. */
export function decodedFolder(context: DatasetContext): string {
  return join(context.cacheDir, 'decoded');
}

function dataPath(digest: string, context: DatasetContext): string {
  return join(decodedFolder(context), `${digest}.data`);
}

function manifestPath(fingerprint: unknown, context: DatasetContext): string {
  return join(decodedFolder(context), `${digestOf({ format: FORMAT, fingerprint })}.json`);
}

/**
 * Identifies the state of a file without reading it: by path, size and time of change, or by the digest and the name of a stored
 * file, wherever its local file lies.
 */
export async function fileFingerprint(
  path: string,
): Promise<StoredFile | { path: string; size: number; modified: number }> {
  const { size, mtimeMs } = await stat(path);
  return storedContent(path) ?? { path, size, modified: mtimeMs };
}
