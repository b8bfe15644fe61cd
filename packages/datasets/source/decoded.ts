import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '@distillery/spec';
import type { Dataset, DatasetContext, DatasetOutline, ImageDataset, Split, TextDataset } from './dataset.ts';
import { sharedMemory } from './shared-memory.ts';

/** Part of every key: raise it when decoding changes, and copies of older code are left alone. */
const FORMAT = 2;
const DRAFT_AGE_MS = 6 * 3_600_000;

interface Manifest {
  format: number;
  /** of the data file beside it, and of the data set */
  digest: string;
  classes: string[];
  trainCount: number;
  testCount: number;
  skipped: Dataset['skipped'];
  input: Input;
  bytes: number;
}

/** What the inputs are. */
type Input =
  | Pick<ImageDataset, 'shape' | 'normalization'>
  | Pick<TextDataset, 'shape' | 'vocabulary' | 'tokenizer'>;

/** Everything of a data set but its digest, which is computed here. */
export type Decoded = Omit<ImageDataset, 'digest'> | Omit<TextDataset, 'digest'>;

/** Bytes of one input in a split. */
export function inputBytes({ shape, vocabulary }: Pick<DatasetOutline, 'shape' | 'vocabulary'>): number {
  return shape.reduce((product, extent) => product * extent, vocabulary === undefined ? 1 : 2);
}

function inputOf(data: Decoded): Input {
  if (data.normalization !== undefined) return { shape: data.shape, normalization: data.normalization };
  return { shape: data.shape, vocabulary: data.vocabulary, tokenizer: data.tokenizer };
}

/**
 * The data set from its decoded copy in `cacheDir`, or else decoded and left there.
 *
 * A copy is `<digest>.data` (train inputs, train labels, test inputs, test labels, labels as int32 in this machine's
 * order) and a manifest `<key>.json`, written last: a data file without a manifest does not count. Both are written
 * under a name of their own and renamed, so two processes that decode at once leave one whole copy.
 *
 * @param fingerprint what the decoded bytes depend on: the source's files with sizes and times, and the options
 */
export async function decodedOnce(
  fingerprint: unknown,
  context: DatasetContext,
  decode: () => Promise<Decoded>,
): Promise<Dataset> {
  const found = await readManifest(fingerprint, context);
  const kept = found && (await readData(found, context).catch(() => undefined));
  if (kept !== undefined) return kept;
  const decoded = await decode();
  const dataset: Dataset = { digest: digestOfData(decoded), ...decoded };
  await write(dataset, fingerprint, context).catch((error: Error) => {
    // the data is at hand: a full disk costs the next load its time, not this one its run
    context.progress?.(`the decoded copy was not kept: ${error.message}`);
  });
  return dataset;
}

/** The manifest of a decoded copy that is there and whole, as far as its own digest tells; else undefined. */
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

/** SHA-256 over shape, class names, a text's tokenizer and both splits' decoded bytes. */
export function digestOfData(data: Decoded): string {
  const { classes, shape, train, test, vocabulary, tokenizer } = data;
  const hash = createHash('sha256');
  const texts = tokenizer === undefined ? {} : { vocabulary, tokenizer };
  hash.update(digestOf({ classes, shape, train: train.count, test: test.count, ...texts }));
  for (const part of [train.inputs, train.labels, test.inputs, test.labels]) hash.update(bytesOf(part));
  return hash.digest('hex');
}

async function readData(manifest: Manifest, context: DatasetContext): Promise<Dataset | undefined> {
  const { input, trainCount, testCount, bytes } = manifest;
  const each = inputBytes(input);
  if (bytes !== (trainCount + testCount) * (each + 4)) return undefined;
  const file = await open(dataPath(manifest.digest, context));
  try {
    if ((await file.stat()).size !== bytes) return undefined;
    let position = 0;
    const fill = async <A extends Uint8Array | Int32Array>(target: A): Promise<A> => {
      const view = bytesOf(target);
      for (let at = 0; at < view.length; ) {
        const { bytesRead } = await file.read(view, at, view.length - at, position);
        if (bytesRead === 0) throw new RangeError('the file ended early');
        at += bytesRead;
        position += bytesRead;
      }
      return target;
    };
    const readSplit = async (count: number): Promise<Split> => ({
      inputs: await fill(sharedMemory(count * each)),
      labels: await fill(new Int32Array(count)),
      count,
    });
    const train = await readSplit(trainCount);
    const test = await readSplit(testCount);
    const { digest, classes, skipped } = manifest;
    const decoded: Decoded = { classes, train, test, skipped, ...input };
    // all of CIFAR-10 hashes in a tenth of a second, so a flipped bit is found as well as a short file
    return digestOfData(decoded) === digest ? { digest, ...decoded } : undefined;
  } finally {
    await file.close();
  }
}

async function write(dataset: Dataset, fingerprint: unknown, context: DatasetContext): Promise<void> {
  const { digest, classes, train, test, skipped } = dataset;
  const parts = [train.inputs, train.labels, test.inputs, test.labels].map(bytesOf);
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  const manifest: Manifest = {
    format: FORMAT,
    digest,
    classes,
    trainCount: train.count,
    testCount: test.count,
    skipped,
    input: inputOf(dataset),
    bytes,
  };
  await mkdir(folder(context), { recursive: true });
  await sweepDrafts(folder(context));
  await writeWhole(dataPath(digest, context), parts);
  const check = digestOf(manifest);
  await writeWhole(manifestPath(fingerprint, context), [Buffer.from(JSON.stringify({ ...manifest, check }))]);
}

async function writeWhole(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const draft = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(draft, parts, { flush: true });
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/** Removes what processes that were killed while writing left behind; a draft in use is far younger. */
async function sweepDrafts(path: string): Promise<void> {
  for (const name of await readdir(path)) {
    if (!name.endsWith('.tmp')) continue;
    const modified = (await stat(join(path, name)).catch(() => undefined))?.mtimeMs ?? Date.now();
    if (Date.now() - modified > DRAFT_AGE_MS) await rm(join(path, name), { force: true });
  }
}

function bytesOf(array: Uint8Array | Int32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function folder(context: DatasetContext): string {
  return join(context.cacheDir, 'decoded');
}

function dataPath(digest: string, context: DatasetContext): string {
  return join(folder(context), `${digest}.data`);
}

function manifestPath(fingerprint: unknown, context: DatasetContext): string {
  return join(folder(context), `${digestOf({ format: FORMAT, fingerprint })}.json`);
}

/** What tells one state of a file from another without reading it. */
export async function fileFingerprint(
  path: string,
): Promise<{ path: string; size: number; modified: number }> {
  const { size, mtimeMs } = await stat(path);
  return { path, size, modified: mtimeMs };
}
