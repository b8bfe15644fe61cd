import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf, DistilleryError } from '@distillery/spec';
import { z } from 'zod';
import { pathOption } from '../option-shapes.ts';
import { type CifarLayout, readCifarArchive, side, writeCifar } from '../arrays/cifar.ts';
import { chosenClasses, classKey, classOptions, withClasses } from '../classes.ts';
import type { About, Dataset, DatasetContext, DatasetKind } from '../dataset.ts';
import { decodedOnce, fileFingerprint, readManifest } from '../decoded.ts';
import { answers, ensureDownloaded, type KnownFile, sha256OfFile, wrongDigest } from '../download.ts';
import { limited, limitedOutline, limitOptions } from '../limits.ts';
import { outlinedOnce } from '../outlined-once.ts';
import { badPath, resolveSourcePath } from '../source-path.ts';
import type { SplitWriter } from '../split-draft.ts';

/** The digest is the one in TensorFlow Datasets' checksum file. */
const ARCHIVE: KnownFile = {
  url: 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
  bytes: 170_052_171,
  sha256: 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
};
const ADVICE =
  'give a local copy of the archive as "path", or use the source "shapes", which needs no download';
const PROBE_MS = 3000;
/** The digest of cifar-10-python.tar.gz, which holds the same images in the same order. */
const PYTHON_SHA256 = '6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce';

/** In the order of the label bytes. */
const CLASSES = 'airplane automobile bird cat deer dog frog horse ship truck'.split(' ');
const LAYOUT: CifarLayout = {
  train: /^data_batch_\d$/,
  test: /^test_batch$/,
  labelBytes: 1,
  labelAt: 0,
  labelKey: 'labels',
  classes: CLASSES.length,
};
/** The mean and the standard deviation of each channel, of pixels from 0 to 1. */
const normalizations = {
  cifar10: { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] },
  imagenet: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
};
type NormalizationName = keyof typeof normalizations;

const options = z.strictObject({
  path: pathOption(
    'A local copy of cifar-10-binary.tar.gz or cifar-10-python.tar.gz, below a folder that the service may read. Default: the ' +
      'archive is downloaded.',
  ).optional(),
  normalization: z
    .enum(['cifar10', 'imagenet'])
    .default('cifar10')
    .describe(
      'Whose mean and standard deviation pixels are normalised with: those of the training images, or those of ImageNet, as in ' +
        "PyTorch's tutorial.",
    ),
  ...classOptions,
  ...limitOptions,
});

export const cifar10: DatasetKind<typeof options> = {
  type: 'cifar10',
  summary: 'CIFAR-10: 50,000 training and 10,000 test photographs, 32×32 RGB, ten classes; downloaded once.',
  reference: 'https://www.cs.toronto.edu/~kriz/cifar.html',
  options,
  async outline({ path, trainLimit, testLimit, classes: choice }, context) {
    const { classes, indices } = chosenClasses(CLASSES, choice);
    const used = indices.filter((index) => index >= 0).length;
    const describe = async () => ({
      classes,
      shape: [side, side, 3],
      trainCount: 5000 * used,
      testCount: 1000 * used,
    });
    const limits = { trainLimit, testLimit };
    if (path === undefined) return limitedOutline(await describe(), limits);
    const file = await givenArchive(path, context);
    const outline = await outlinedOnce(
      ['cifar10', await fileFingerprint(file), path, classKey(choice)],
      async () => {
        await checkDigest(file, [ARCHIVE.sha256, PYTHON_SHA256], context.signal);
        return describe();
      },
    );
    return limitedOutline(outline, limits);
  },
  async load({ path, normalization, classes, ...limits }, context) {
    const whole = normalizedAs(await loadWhole(path, context), normalization);
    return limited(withClasses(whole, classes), limits);
  },
};

/**
 * Returns the decoded images with a normalisation. Each one is a data set with a digest of its own, as networks that were
 * trained on other numbers are other networks; with ImageNet's it is the digest of the images.
 */
export function normalizedAs(images: Dataset, name: NormalizationName): Dataset {
  const digest = name === 'imagenet' ? images.digest : digestOf({ of: images.digest, normalization: name });
  return { ...images, digest, normalization: normalizations[name] } as Dataset;
}

async function loadWhole(path: string | undefined, context: DatasetContext): Promise<Dataset> {
  if (path === undefined) {
    return decodedOnce(downloadFingerprint, context, async (writers) => {
      const target = downloadPath(context);
      await ensureDownloaded(ARCHIVE, target, context, ADVICE);
      return decodeCifarArchive(target, [ARCHIVE.sha256], writers, context.signal);
    });
  }
  const file = await givenArchive(path, context);
  const fingerprint = { source: 'cifar10', file: await fileFingerprint(file) };
  return decodedOnce(fingerprint, context, (writers) =>
    decodeCifarArchive(file, [ARCHIVE.sha256, PYTHON_SHA256], writers, context.signal),
  );
}

async function givenArchive(path: string, context: DatasetContext): Promise<string> {
  const file = await resolveSourcePath(path, context);
  if (!(await stat(file)).isFile())
    throw badPath(path, 'is not a file; expected cifar-10-binary.tar.gz', context);
  return file;
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
 * Decodes the archive; every record becomes `[32, 32, 3]`. Training records keep the order of data_batch_1 to data_batch_5.
 *
 * @param known the digests that the archive may have
 * @throws DistilleryError `data_error` for another digest or for records that are not in the format
 */
export async function decodeCifarArchive(
  path: string,
  known: readonly string[],
  writers: { train: SplitWriter; test: SplitWriter },
  signal?: AbortSignal,
): Promise<About> {
  await checkDigest(path, known, signal);
  try {
    const { train, test } = await readCifarArchive(path, LAYOUT, signal);
    await writeCifar(train, writers.train, { signal });
    await writeCifar(test, writers.test, { signal });
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof DistilleryError) throw cause;
    throw new DistilleryError('data_error', `${path}: ${(cause as Error).message}`, { cause });
  }
  return {
    classes: [...CLASSES],
    shape: [side, side, 3],
    skipped: { count: 0, first: [] },
    normalization: normalizations.imagenet,
  };
}

/** @throws DistilleryError `data_error` for a file with another digest */
async function checkDigest(path: string, known: readonly string[], signal?: AbortSignal): Promise<void> {
  const found = await sha256OfFile(path, signal);
  if (!known.includes(found)) throw wrongDigest(path, known.join(' or '), found);
}

/** The decoded copy depends on the archive's bytes alone, so the archive's digest identifies it. */
export const downloadFingerprint = { source: 'cifar10', sha256: ARCHIVE.sha256 };

function downloadPath(context: DatasetContext): string {
  return join(context.cacheDir, 'downloads', 'cifar-10-binary.tar.gz');
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
