import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DistilleryError } from '@distillery/spec';
import { z } from 'zod';
import { archiveEntries } from '../archives/archive.ts';
import type { Dataset, DatasetContext, DatasetKind, Split } from '../dataset.ts';
import { type Decoded, decodedOnce, fileFingerprint, readManifest } from '../decoded.ts';
import { answers, ensureDownloaded, type KnownFile, sha256OfFile, wrongDigest } from '../download.ts';
import { sharedMemory } from '../shared-memory.ts';
import { limited, limitedOutline, limitOptions } from '../limits.ts';
import { badPath, resolveSourcePath } from '../source-path.ts';

/** The digest is the one in TensorFlow Datasets' checksum file. */
const ARCHIVE: KnownFile = {
  url: 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
  bytes: 170_052_171,
  sha256: 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
};
const ADVICE =
  'give a local copy of the archive as "path", or use the source "shapes", which needs no download';
const PROBE_MS = 3000;

const SIDE = 32;
const PLANE = SIDE * SIDE;
/** A label byte, then the red, the green and the blue plane. */
const RECORD = 1 + 3 * PLANE;

/** In the order of the label bytes. */
const CLASSES = 'airplane automobile bird cat deer dog frog horse ship truck'.split(' ');
/** ImageNet's, as PyTorch's knowledge-distillation tutorial normalises CIFAR-10. */
const NORMALIZATION = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

const options = z.strictObject({
  path: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .describe('a local copy of cifar-10-binary.tar.gz; downloaded when absent'),
  ...limitOptions,
});

export const cifar10: DatasetKind<typeof options> = {
  type: 'cifar10',
  summary: 'CIFAR-10: 50,000 training and 10,000 test photographs, 32×32 RGB, ten classes; downloaded once.',
  reference: 'https://www.cs.toronto.edu/~kriz/cifar.html',
  options,
  async outline({ path, ...limits }, context) {
    if (path !== undefined) await resolveSourcePath(path, context);
    const whole = { trainCount: 50_000, testCount: 10_000 };
    return limitedOutline({ classes: [...CLASSES], shape: [SIDE, SIDE, 3], ...whole }, limits);
  },
  async load({ path, ...limits }, context) {
    return limited(await loadWhole(path, context), limits);
  },
};

async function loadWhole(path: string | undefined, context: DatasetContext): Promise<Dataset> {
  if (path === undefined) {
    return decodedOnce(downloadFingerprint, context, async () => {
      const target = downloadPath(context);
      await ensureDownloaded(ARCHIVE, target, context, ADVICE);
      return decodeCifarArchive(target, ARCHIVE.sha256, context.signal);
    });
  }
  const file = await resolveSourcePath(path, context);
  if (!(await stat(file)).isFile()) throw badPath(path, 'is not a file; the .tar.gz is needed', context);
  const fingerprint = { source: 'cifar10', file: await fileFingerprint(file) };
  return decodedOnce(fingerprint, context, () => decodeCifarArchive(file, ARCHIVE.sha256, context.signal));
}

/**
 * Whether `load` without a path can succeed: a decoded copy or the archive is cached, or the host answers within
 * three seconds.
 */
export async function cifar10Reachable(context: DatasetContext): Promise<boolean> {
  if ((await readManifest(downloadFingerprint, context)) !== undefined) return true;
  return (await exists(downloadPath(context))) || answers(ARCHIVE.url, PROBE_MS);
}

/**
 * The binary archive as a data set; every record becomes `[32, 32, 3]`. Training records keep the order of
 * data_batch_1 to data_batch_5.
 *
 * @throws DistilleryError `data_error` for another digest or for records that are not in the format
 */
export async function decodeCifarArchive(
  path: string,
  sha256: string,
  signal?: AbortSignal,
): Promise<Decoded> {
  const found = await sha256OfFile(path, signal);
  if (found !== sha256) throw wrongDigest(path, sha256, found);
  const batches = new Map<string, Buffer>();
  try {
    for await (const entry of archiveEntries(path, undefined, signal)) {
      const [, name] = /(?:^|\/)((?:data_batch_\d|test_batch)\.bin)$/.exec(entry.name) ?? [];
      if (name !== undefined) batches.set(name, await entry.read());
    }
  } catch (cause) {
    signal?.throwIfAborted();
    throw new DistilleryError('data_error', `${path}: ${(cause as Error).message}`, { cause });
  }
  const names = [...batches.keys()].sort();
  const train = names.filter((name) => name.startsWith('data_batch')).map((name) => batches.get(name)!);
  const test = names.filter((name) => name.startsWith('test_batch')).map((name) => batches.get(name)!);
  return {
    classes: [...CLASSES],
    shape: [SIDE, SIDE, 3],
    train: readRecords(train, `${path}: data_batch_*.bin`),
    test: readRecords(test, `${path}: test_batch.bin`),
    skipped: { count: 0, first: [] },
    normalization: { mean: [...NORMALIZATION.mean], std: [...NORMALIZATION.std] },
  };
}

function readRecords(batches: readonly Buffer[], where: string): Split {
  const bytes = batches.reduce((sum, batch) => sum + batch.length, 0);
  if (bytes === 0) throw new DistilleryError('data_error', `${where}: not in the archive`);
  const count = bytes / RECORD;
  const images = sharedMemory(Math.floor(count) * 3 * PLANE);
  const labels = new Int32Array(Math.floor(count));
  let index = 0;
  for (const batch of batches) {
    if (batch.length % RECORD !== 0) {
      throw new DistilleryError(
        'data_error',
        `${where}: ${batch.length} bytes are not whole records of ${RECORD}`,
      );
    }
    for (let at = 0; at < batch.length; at += RECORD, index++) {
      const label = batch[at];
      if (label >= CLASSES.length) {
        throw new DistilleryError('data_error', `${where}: record ${index} has the label ${label}, past 9`);
      }
      labels[index] = label;
      for (let pixel = 0, to = index * 3 * PLANE, from = at + 1; pixel < PLANE; pixel++, from++, to += 3) {
        images[to] = batch[from]!;
        images[to + 1] = batch[from + PLANE]!;
        images[to + 2] = batch[from + 2 * PLANE]!;
      }
    }
  }
  return { inputs: images, labels, count };
}

/** The archive's bytes decide everything, so its digest alone names the decoded copy. */
const downloadFingerprint = { source: 'cifar10', sha256: ARCHIVE.sha256 };

function downloadPath(context: DatasetContext): string {
  return join(context.cacheDir, 'downloads', 'cifar-10-binary.tar.gz');
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
