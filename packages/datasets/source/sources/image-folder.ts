import { z } from 'zod';
import type { About, DatasetContext, DatasetKind } from '../dataset.ts';
import { decodedOnce, MAX_DECODED_BYTES, readManifest } from '../decoded.ts';
import { fillSplits } from '../images/fill-splits.ts';
import { type ImageFiles, openImageFiles } from '../images/image-files.ts';
import { imageOptions, photographNormalization, usualSize } from '../images/image-options.ts';
import { imageSizes } from '../images/image-sizes.ts';
import { layoutOf } from '../images/image-layout.ts';
import { outlinedOnce } from '../outlined-once.ts';
import { limited, limitedOutline, limitOptions } from '../limits.ts';
import { asDataError, badPath, resolveSourcePath } from '../source-path.ts';
import type { SplitWriter } from '../split-draft.ts';

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
      '`[height, width]` in pixels that every image gets. Default: the size that most of 64 images have, or the medians of their heights and widths.',
    ),
  ...imageOptions,
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
      return { classes: layout.classes, shape: [...size, choice.channels], trainCount, testCount };
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
  { size, fit, background, channels, testFraction }: Options,
  { signal }: DatasetContext,
): Promise<unknown> {
  const chosen = { size, fit, background, channels, testFraction };
  // The version is that of the reading of folders and pixels: what was decoded before is decoded anew.
  return { source: 'image_folder', version: 4, files: await files.fingerprint(signal), ...chosen };
}

async function plan(files: ImageFiles, choice: Options, context: DatasetContext) {
  return asDataError(choice, context, async () => {
    const survey = await files.survey(context.signal);
    const layout = layoutOf(survey.names, choice.testFraction, survey.others);
    if (choice.size === undefined && survey.sizes.length === 0)
      throw new RangeError('no image could be decoded');
    const { size, notes } =
      choice.size === undefined ? usualSize(survey.sizes) : { size: choice.size, notes: [] };
    const bytes = (layout.train.length + layout.test.length) * size[0] * size[1] * choice.channels;
    if (bytes > MAX_DECODED_BYTES) {
      const message = `would decode to ${bytes} bytes at ${size[0]}×${size[1]}, more than ${MAX_DECODED_BYTES}`;
      throw new RangeError(`${message}; choose a smaller "size"`);
    }
    return { survey, layout, size, notes: [...layout.notes, ...notes] };
  });
}

async function decodeAll(
  files: ImageFiles,
  choice: Options,
  context: DatasetContext,
  writers: Writers,
): Promise<About> {
  const { survey, layout, size, notes: planned } = await plan(files, choice, context);
  const { classes } = layout;
  const filled = await asDataError(choice, context, () =>
    fillSplits(files, layout, { ...choice, size }, [...survey.refused, ...layout.ignored], writers, context),
  );
  const { skipped, decoded } = filled;
  const notes = [...planned, ...filled.notes];
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
  return {
    classes,
    shape: [...size, choice.channels],
    skipped,
    normalization: photographNormalization(choice),
    ...(notes.length > 0 && { notes }),
  };
}
