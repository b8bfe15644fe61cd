import { z } from 'zod';
import type { About, DatasetContext, DatasetKind } from '../dataset.ts';
import { decodedOnce, MAX_DECODED_BYTES, readManifest } from '../decoded.ts';
import { fillSplits } from '../images/fill-splits.ts';
import { type ImageFiles, openImageFiles } from '../images/image-files.ts';
import { imageSizes } from '../images/image-sizes.ts';
import { layoutOf } from '../images/image-layout.ts';
import { outlinedOnce } from '../outlined-once.ts';
import { limited, limitedOutline, limitOptions } from '../limits.ts';
import { asDataError, badPath, resolveSourcePath } from '../source-path.ts';
import type { SplitWriter } from '../split-draft.ts';

/** ImageNet's, the usual choice for photographs. */
const NORMALIZATION = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

const side = z.int().min(1).max(1024);
const options = z.strictObject({
  path: z
    .string()
    .min(1)
    .max(4096)
    .describe(
      'A folder, or a .zip, .tar or .tar.gz archive of one, below a folder that the service may read.',
    ),
  size: z
    .tuple([side, side])
    .optional()
    .describe(
      '`[height, width]` in pixels that every image is scaled to. Default: the size of the first image by name.',
    ),
  testFraction: z
    .number()
    .gt(0)
    .max(0.5)
    .default(0.1)
    .describe(
      'The share of each class that is held out for testing when there is no folder of a test or a validation split.',
    ),
  ...limitOptions,
});
type Options = z.output<typeof options>;
type Writers = { train: SplitWriter; test: SplitWriter };

export const imageFolder: DatasetKind<typeof options> = {
  type: 'image_folder',
  summary:
    'Images in class folders: train/<class>/… and test/<class>/…, or <class>/…; a folder, or a zip or tar archive.',
  options,
  async outline(choice, context) {
    const files = await openSource(choice, context);
    const fingerprint = await fingerprintOf(files, choice, context);
    const kept = await readManifest(fingerprint, context);
    if (kept !== undefined) {
      const { classes, input, trainCount, testCount } = kept;
      return limitedOutline({ classes, shape: input.shape, trainCount, testCount }, choice);
    }
    // An error names the path as the spec does.
    const outline = await outlinedOnce([fingerprint, choice.path], async () => {
      const { layout, size } = await plan(files, choice, context);
      const [trainCount, testCount] = [layout.train.length, layout.test.length];
      return { classes: layout.classes, shape: [...size, 3], trainCount, testCount };
    });
    return limitedOutline(outline, choice);
  },
  async load(choice, context) {
    const files = await openSource(choice, context);
    const fingerprint = await fingerprintOf(files, choice, context);
    const decode = (writers: Writers) => decodeAll(files, choice, context, writers);
    return limited(await decodedOnce(fingerprint, context, decode), choice);
  },
  async describeFiles(choice, context) {
    const files = await openSource(choice, context);
    const { layout } = await plan(files, choice, context);
    const namesOf = (samples: readonly { name: string }[]) => samples.map(({ name }) => name);
    return {
      names: { train: namesOf(layout.train), test: namesOf(layout.test) },
      sizes: await imageSizes(files, context.signal),
    };
  },
};

async function openSource({ path }: Options, context: DatasetContext): Promise<ImageFiles> {
  const real = await resolveSourcePath(path, context);
  return openImageFiles(real, context.roots);
}

async function fingerprintOf(
  files: ImageFiles,
  { size, testFraction }: Options,
  { signal }: DatasetContext,
): Promise<unknown> {
  // The version is that of the reading of folders and pixels: what was decoded before is decoded anew.
  return { source: 'image_folder', version: 2, files: await files.fingerprint(signal), size, testFraction };
}

async function plan(files: ImageFiles, choice: Options, context: DatasetContext) {
  return asDataError(choice, context, async () => {
    const survey = await files.survey(context.signal);
    const layout = layoutOf(survey.names, choice.testFraction, survey.others);
    const size = choice.size ?? survey.size;
    if (size === undefined) throw new RangeError('no image could be decoded');
    const bytes = (layout.train.length + layout.test.length) * size[0] * size[1] * 3;
    if (bytes > MAX_DECODED_BYTES) {
      const message = `would decode to ${bytes} bytes at ${size[0]}×${size[1]}, more than ${MAX_DECODED_BYTES}`;
      throw new RangeError(`${message}; choose a smaller "size"`);
    }
    return { survey, layout, size };
  });
}

async function decodeAll(
  files: ImageFiles,
  choice: Options,
  context: DatasetContext,
  writers: Writers,
): Promise<About> {
  const { survey, layout, size } = await plan(files, choice, context);
  const { classes } = layout;
  const { skipped, decoded } = await asDataError(choice, context, () =>
    fillSplits(files, layout, size, [...survey.refused, ...layout.ignored], writers, context),
  );
  const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
  const [train, test] = [sum(decoded.train), sum(decoded.test)];
  const lost = classes.filter((_, label) => decoded.train[label] === 0);
  if (lost.length > 0 || test === 0) {
    const what = train + test === 0 ? 'no image' : `no image of ${lost.join(', ') || 'the test split'}`;
    const example = skipped.first[0];
    const why = example === undefined ? '' : ` (${example.name}: ${example.reason})`;
    throw badPath(choice.path, `${what} could be decoded${why}`, context);
  }
  const found = layout.train.length + layout.test.length;
  if (skipped.count > found / 2) {
    const named = skipped.first.slice(0, 5).map(({ name, reason }) => `${name} (${reason})`);
    const message = `${skipped.count} of ${found} images could not be decoded, more than half: ${named.join(', ')}`;
    throw badPath(choice.path, message, context);
  }
  const normalization = { mean: [...NORMALIZATION.mean], std: [...NORMALIZATION.std] };
  const notes = layout.notes.length === 0 ? {} : { notes: layout.notes };
  return { classes, shape: [...size, 3], skipped, normalization, ...notes };
}
