import { z } from 'zod';
import { pathOption, sizeOption } from '../option-shapes.ts';
import type { About, DatasetContext, DatasetKind } from '../dataset.ts';
import { classKey, classOptions } from '../classes.ts';
import { decodedOnce, keptOutline, readManifest } from '../decoded.ts';
import { imageAbout } from '../images/image-about.ts';
import { fillSplits, skippedOf } from '../images/fill-splits.ts';
import { heldOutOptions } from '../held-out.ts';
import { type ImageFiles, openImageFiles } from '../images/image-files.ts';
import { imageOptions, type ImageTarget, usualSize } from '../images/image-options.ts';
import { imageSizes } from '../images/image-sizes.ts';
import { type FoundLayout, layoutCounts, layoutOf, withLayoutClasses } from '../images/image-layout.ts';
import { chosenLayout, decodingOf, decodingOptions } from '../images/decoding.ts';
import { imagesOnRead } from '../images/images-on-read.ts';
import { unlabeledOptions } from '../images/unlabeled.ts';
import { outlinedOnce } from '../outlined-once.ts';
import { limitOptions } from '../limits.ts';
import { asDataError, resolveSourcePath } from '../source-path.ts';
import type { SplitWriter } from '../split-draft.ts';

const options = z.strictObject({
  path: pathOption(
    'A folder, or a .zip, .tar, .tar.gz or .tar.zst archive of one, below a folder that the service may read.',
  ),
  size: sizeOption(
    '`[height, width]` in pixels that every image gets. Default: the size that most of 64 images have, or the medians of their heights and widths.',
  ).optional(),
  ...imageOptions,
  ...heldOutOptions,
  ...classOptions,
  ...limitOptions,
  ...decodingOptions,
  ...unlabeledOptions,
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
    const kept = await keptOutline({ ...fingerprint, path: files.path }, context);
    if (kept !== undefined) return kept;
    // An error names the path as the spec does.
    return outlinedOnce([fingerprint, files.path, choice.path], async () => {
      const { layout, target } = await plan(files, choice, context);
      return { classes: layout.classes, shape: [...target.size, target.channels], ...layoutCounts(layout) };
    });
  },
  async load(choice, context) {
    const files = await openSource(choice, context);
    const fingerprint = await fingerprintOf(files, choice, context);
    const key = { ...fingerprint, path: files.path };
    // What is decoded already need not be listed.
    const known = (await readManifest(key, context)) !== undefined;
    const planned = known ? undefined : await plan(files, choice, context);
    if (planned?.decoding === 'on_read') {
      const set = { files, ...planned, fingerprint, about: aboutOf(planned) };
      return asDataError(choice, context, () => imagesOnRead(set, context));
    }
    return decodedOnce(key, context, async (writers) =>
      decodeAll(files, planned ?? (await plan(files, choice, context)), choice, context, writers),
    );
  },
  async describeFiles(choice, context) {
    const files = await openSource(choice, context);
    const { layout } = await plan(files, choice, context);
    const namesOf = (samples: readonly { name: string }[]) => samples.map(({ name }) => name);
    return {
      names: {
        train: namesOf([...layout.train, ...layout.validation, ...(layout.unlabeled ?? [])]),
        test: namesOf(layout.test),
      },
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
  { path: _path, classes, ...chosen }: Options,
  { signal }: DatasetContext,
) {
  // The version is that of the reading of folders and pixels: what was decoded before is decoded anew.
  return {
    source: 'image_folder',
    version: 5,
    files: await files.fingerprint(signal),
    ...chosen,
    ...classKey(classes),
  };
}

interface Plan {
  survey: Awaited<ReturnType<ImageFiles['survey']>>;
  /** The images within the limits, in the order of the data set. */
  layout: FoundLayout;
  target: ImageTarget;
  decoding: 'ahead' | 'on_read';
  notes: string[];
}

async function plan(files: ImageFiles, choice: Options, context: DatasetContext): Promise<Plan> {
  return asDataError(choice, context, async () => {
    const survey = await files.survey(context.signal);
    const layout = withLayoutClasses(layoutOf(survey, choice), choice.classes);
    if (choice.size === undefined && survey.sizes.length === 0)
      throw new RangeError('no image could be decoded');
    const { size, notes } =
      choice.size === undefined ? usualSize(survey.sizes) : { size: choice.size, notes: [] };
    const target = { ...choice, size };
    const decoding = decodingOf(layout, choice, target, context);
    const chosen = chosenLayout(layout, choice, decoding);
    return { survey, layout: chosen, target, decoding, notes: [...layout.notes, ...notes] };
  });
}

async function decodeAll(
  files: ImageFiles,
  planned: Plan,
  choice: Options,
  context: DatasetContext,
  writers: Writers,
): Promise<About> {
  const { layout, target } = planned;
  const filled = await asDataError(choice, context, () =>
    fillSplits(files, layout, target, refusedIn(planned), writers, context),
  );
  return imageAbout(layout, target, { ...filled, notes: [...planned.notes, ...filled.notes] });
}

/** The files that are left out before any is decoded. */
function refusedIn({ survey, layout }: Plan): { name: string; reason: string }[] {
  return [...survey.refused, ...layout.ignored];
}

function aboutOf(planned: Plan): About {
  const { layout, target, notes } = planned;
  const skipped = skippedOf(refusedIn(planned));
  const { validation, unlabeled } = layoutCounts(layout);
  return imageAbout(layout, target, { skipped, notes, validation, unlabeled });
}
