import { z } from 'zod';
import { sizeOption } from '../option-shapes.ts';
import { classKey, classOptions } from '../classes.ts';
import { type About, type Dataset, type DatasetContext, type DatasetOutline } from '../dataset.ts';
import { decodedOnce, keptOutline } from '../decoded.ts';
import { heldOutOptions } from '../held-out.ts';
import { limitOptions } from '../limits.ts';
import { outlinedOnce } from '../outlined-once.ts';
import { asDataError } from '../source-path.ts';
import type { SplitWriter } from '../split-draft.ts';
import { imageSize } from './decode-image.ts';
import { chosenLayout, refuseBeyondDisk } from './decoding.ts';
import { fillSplits, joinedSkipped, skippedOf } from './fill-splits.ts';
import { imageAbout } from './image-about.ts';
import type { ImageFiles } from './image-files.ts';
import { type Layout, layoutCounts } from './image-layout.ts';
import { imageOptions, usualSize } from './image-options.ts';
import { type ImageRow, layoutOfRows } from './rows-layout.ts';
import type { Size } from './size-counts.ts';

/** How many images are looked at for the size of all. */
const surveyed = 64;

/** The options of sources whose images lie in files of many. */
export const packedOptions = {
  size: sizeOption(
    '`[height, width]` in pixels that every image gets. Default: the size that most of the first 64 images have, or the medians of their heights and widths.',
  ).optional(),
  ...imageOptions,
  ...heldOutOptions,
  ...classOptions,
  ...limitOptions,
};
const shape = z.object({ path: z.string(), ...packedOptions });
type Choice = z.output<typeof shape>;

/** Images that lie in files of many, with their labels. */
export interface PackedImages extends Pick<ImageFiles, 'contents'> {
  /** Everything that the images and their labels depend on. */
  fingerprint: object;
  /** Lists the images, without their contents where that is possible. */
  list(signal?: AbortSignal): Promise<{
    rows: ImageRow[];
    /** The order of the class names, where the files have one. */
    order?: readonly string[] | undefined;
    refused: { name: string; reason: string }[];
  }>;
}

export async function outlinePacked(
  { fingerprint: files, ...images }: PackedImages,
  choice: Choice,
  context: DatasetContext,
): Promise<DatasetOutline> {
  const fingerprint = keyOf(files, choice);
  const kept = await keptOutline(fingerprint, context);
  if (kept !== undefined) return kept;
  return outlinedOnce([fingerprint, choice.path], async () => {
    const { layout, size } = await plan(images, choice, context);
    return { classes: layout.classes, shape: [...size, choice.channels], ...layoutCounts(layout) };
  });
}

export async function loadPacked(
  { fingerprint, ...images }: PackedImages,
  choice: Choice,
  context: DatasetContext,
): Promise<Dataset> {
  return decodedOnce(keyOf(fingerprint, choice), context, (writers) =>
    decode(images, choice, context, writers),
  );
}

function keyOf(files: object, { path: _path, classes, ...choice }: Choice): object {
  return { ...choice, ...classKey(classes), ...files };
}

type Listed = Omit<PackedImages, 'fingerprint'>;

interface Plan {
  layout: Layout;
  size: Size;
  refused: { name: string; reason: string }[];
  notes: string[];
}

function plan(images: Listed, choice: Choice, context: DatasetContext): Promise<Plan> {
  return asDataError(choice, context, async () => {
    const { rows, order, refused } = await images.list(context.signal);
    if (refused.length > rows.length) {
      const named = refused.slice(0, 5).map(({ name, reason }) => `${name} (${reason})`);
      throw new RangeError(
        `${refused.length} of ${refused.length + rows.length} samples cannot be used, more than half: ${named.join(', ')}`,
      );
    }
    const { testFraction, testSeed, folds, classes } = choice;
    const found = layoutOfRows(rows, { held: { testFraction, testSeed, folds }, classes }, order);
    const layout = chosenLayout(found.layout, choice, 'ahead');
    const { size, notes } =
      choice.size === undefined
        ? usualSize(await sizesOf(images, context.signal))
        : { size: choice.size, notes: [] };
    const { trainCount, testCount } = layoutCounts(layout);
    const bytes = (trainCount + testCount) * size[0] * size[1] * choice.channels;
    refuseBeyondDisk(bytes, context, 'a smaller "size", or limits');
    return { layout, size, refused, notes: [...found.notes, ...notes] };
  });
}

async function sizesOf({ contents }: Pick<PackedImages, 'contents'>, signal?: AbortSignal): Promise<Size[]> {
  const sizes: Size[] = [];
  let seen = 0;
  for await (const { bytes } of contents(signal)) {
    const size = bytes instanceof Error ? undefined : await imageSize(bytes);
    if (size !== undefined) sizes.push(size);
    if (++seen >= surveyed) break;
  }
  if (sizes.length === 0) throw new RangeError(`none of the first ${seen} images could be decoded`);
  return sizes;
}

async function decode(
  images: Listed,
  choice: Choice,
  context: DatasetContext,
  writers: { train: SplitWriter; test: SplitWriter },
): Promise<About> {
  const { layout, size, refused, notes } = await plan(images, choice, context);
  const target = { ...choice, size };
  const filled = await asDataError(choice, context, () =>
    fillSplits(images, layout, target, [], writers, context),
  );
  const skipped = joinedSkipped(skippedOf(refused), filled.skipped);
  return imageAbout(layout, target, { ...filled, skipped, notes: [...notes, ...filled.notes] });
}
