import { z } from 'zod';
import { columnOption, pathOption, sizeOption } from '../option-shapes.ts';
import type { About, DatasetContext, DatasetKind } from '../dataset.ts';
import { classKey } from '../classes.ts';
import { decodedOnce, fileFingerprint } from '../decoded.ts';
import { chosenLayout, type Decoding, decodingOf, decodingOptions } from '../images/decoding.ts';
import { fillSplits, joinedSkipped, skippedOf } from '../images/fill-splits.ts';
import { imageAbout } from '../images/image-about.ts';
import type { ImageFiles } from '../images/image-files.ts';
import { layoutCounts } from '../images/image-layout.ts';
import { imageOptions } from '../images/image-options.ts';
import { filePlaces, fileStates, readImage, withoutPath } from '../images/image-places.ts';
import { imagesOnRead } from '../images/images-on-read.ts';
import { listedImages, type ListedImages } from '../images/listed-images.ts';
import { limitOptions } from '../limits.ts';
import { fingerprintsOf, readingRows, rowFiles, rowOptions } from '../rows/options.ts';
import { asDataError, resolveSourcePath } from '../source-path.ts';
import type { SplitWriter } from '../split-draft.ts';

/** Part of the fingerprint: raise it when the same files give other images than before. */
const revision = 2;

const options = z.strictObject({
  ...rowOptions,
  image: columnOption('the paths of the images').default('image'),
  split: columnOption('the split of each row: train, validation or test').optional(),
  folder: pathOption('The folder that relative paths begin at. Default: that of the table.').optional(),
  size: sizeOption('`[height, width]` in pixels that every image gets.'),
  ...imageOptions,
  ...limitOptions,
  ...decodingOptions,
});
type Options = z.output<typeof options>;

export const imageTable: DatasetKind<typeof options> = {
  type: 'image_table',
  summary:
    'Images that CSV, TSV or JSON Lines files list by path and label, with a split of each row if there is one.',
  options,
  async outline(choice, context) {
    const { layout } = await list(choice, context, () => {});
    return { classes: layout.classes, shape: [...choice.size, choice.channels], ...layoutCounts(layout) };
  },
  async load(choice, context) {
    const skipped: { name: string; reason: string }[] = [];
    const listed = await list(choice, context, (name, reason) => skipped.push({ name, reason }));
    const { path: _path, testPath: _testPath, classes, ...chosen } = choice;
    const rest = { ...chosen, ...classKey(classes) };
    const tables = await fingerprintsOf(await rowFiles(choice, context));
    const images = await states(listed, context);
    const fingerprint = { source: 'image_table', revision, ...rest, tables };
    if (listed.decoding === 'on_read') {
      const { layout, notes } = listed;
      const { validation } = layoutCounts(layout);
      const about = imageAbout(layout, choice, { skipped: skippedOf(skipped), notes, validation });
      const set = { files: filesOf(listed), layout, target: choice, about };
      const identity = { ...fingerprint, tables: tables.map(withoutPath), images: images.map(withoutPath) };
      return imagesOnRead({ ...set, fingerprint: identity }, context);
    }
    return decodedOnce({ ...fingerprint, images }, context, (writers) =>
      decode(listed, skipped, choice, context, writers),
    );
  },
};

interface Listed extends ListedImages {
  decoding: Decoding;
}

async function list(
  choice: Options,
  context: DatasetContext,
  refuse: (name: string, reason: string) => void,
): Promise<Listed> {
  const files = await rowFiles(choice, context);
  const folder =
    choice.folder === undefined ? undefined : await resolveSourcePath(choice.folder, context, 'folder');
  const named = { [choice.image]: 'image', ...(choice.split && { [choice.split]: 'split' }) };
  const columns = { image: choice.image, label: choice.label, split: choice.split };
  return readingRows(
    choice,
    context,
    (name) => named[name] ?? 'label',
    async () => {
      const listed = await listedImages(files, columns, folder, context, refuse);
      const decoding = decodingOf(listed.layout, choice, choice, context);
      return { ...listed, layout: chosenLayout(listed.layout, choice, decoding), decoding };
    },
  );
}

async function states({ places }: ListedImages, { signal }: DatasetContext): Promise<object[]> {
  const found: object[] = [];
  for (const path of places.values()) {
    signal?.throwIfAborted();
    // A file that is gone is refused by name when it is decoded.
    found.push(await fileFingerprint(path).catch(() => ({ path })));
  }
  return found;
}

function filesOf({ places }: ListedImages): Pick<ImageFiles, 'contents' | 'places'> {
  return {
    async *contents(signal, wanted) {
      for (const [name, path] of places) {
        if (wanted?.has(name) === false) continue;
        signal?.throwIfAborted();
        yield { name, bytes: await readImage(path).catch((error: Error) => error) };
      }
    },
    places: async (names, { signal }) =>
      filePlaces(names, await fileStates(names, async (name) => places.get(name) as string, signal)),
  };
}

async function decode(
  listed: ListedImages,
  refused: { name: string; reason: string }[],
  choice: Options,
  context: DatasetContext,
  writers: { train: SplitWriter; test: SplitWriter },
): Promise<About> {
  const { layout, notes } = listed;
  const filled = await asDataError(choice, context, () =>
    fillSplits(filesOf(listed), layout, choice, [], writers, context),
  );
  const skipped = joinedSkipped({ count: refused.length, first: refused }, filled.skipped);
  return imageAbout(layout, choice, { ...filled, skipped, notes: [...notes, ...filled.notes] });
}
