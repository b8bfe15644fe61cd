import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '@distillery/spec';
import { makeRoom, touch } from '@distillery/store';
import { splitDigest } from '../content-digest.ts';
import { type About, type Dataset, type DatasetContext, defaultDiskBytes, inputBytes } from '../dataset.ts';
import { decodedFolder } from '../decoded.ts';
import { keptRowBytes } from '../readers/kept-rows.ts';
import type { EncodedImages } from '../readers/images.ts';
import type { ImageFiles } from './image-files.ts';
import type { Layout } from './image-layout.ts';
import type { ImageTarget } from './image-options.ts';
import { packTexts } from './packed-texts.ts';

/** The decoded bytes within which an epoch is shuffled. */
const windowBytes = 256 * 2 ** 20;
/** The share of the disk's bound that decoded images of one data set may take. */
const keptShare = 0.5;

interface ImageSet {
  files: Pick<ImageFiles, 'places'>;
  /** As `chosenLayout` returns it. */
  layout: Layout;
  target: ImageTarget;
  /** Everything that the samples depend on: the files and the options. */
  fingerprint: unknown;
  about: About;
}

/** Describes the images of a layout, which are decoded when they are read. */
export async function imagesOnRead(set: ImageSet, context: DatasetContext): Promise<Dataset> {
  const { layout, fingerprint, about } = set;
  const digest = digestOf({ decoding: 'on_read', fingerprint, about, layout });
  const notes = [
    ...(about.notes ?? []),
    'The images are decoded while they are read: an image that cannot be decoded is found then, and another one of its class takes its place.',
  ];
  const kept = await roomForRows(digest, layout, inputBytes(about), context);
  const [train, test] = [
    await splitOf(set, about, 'train', digest, kept.train, context),
    await splitOf(set, about, 'test', digest, kept.test, context),
  ];
  return { digest, ...about, notes, train, test };
}

async function splitOf(
  { files, layout, target }: Pick<ImageSet, 'files' | 'layout' | 'target'>,
  about: About,
  split: 'train' | 'test',
  digest: string,
  kept: EncodedImages['kept'],
  context: DatasetContext,
) {
  const given = split === 'train' ? [...layout.validation, ...(layout.unlabeled ?? [])] : [];
  const samples = [...layout[split], ...given];
  const names = samples.map(({ name }) => name);
  const { places, ...archive } = await files.places(names, context);
  const labels = Int32Array.from(samples, ({ label }) => label);
  const count = samples.length;
  // An image that cannot be decoded is replaced by one of its class, a validation image by none that is trained on, and one without a
  // class, whose number is one below all others, by another one without.
  const own = layout[split].length;
  const alike = labels.map((label, index) =>
    index < own || label < 0 ? label : label + layout.classes.length,
  );
  const bytes = inputBytes(about);
  const { size, fit, background, channels } = target;
  const reader: EncodedImages = {
    kind: 'images',
    ...archive,
    names: packTexts(names),
    places: packTexts(places),
    alike,
    target: { size, fit, background, channels },
    count,
    shape: [...about.shape],
    bytes,
    digest: splitDigest(digest, split),
    window: Math.max(1, Math.floor(windowBytes / bytes)),
    ...(kept && { kept }),
  };
  return { reader, labels, count };
}

/** Makes room for the decoded images of a data set, of as many as the bound of the disk allows. */
async function roomForRows(
  digest: string,
  { train, validation, test, unlabeled = [] }: Layout,
  bytes: number,
  context: DatasetContext,
): Promise<Record<'train' | 'test', EncodedImages['kept']>> {
  const { diskBytes = defaultDiskBytes } = context;
  const folder = decodedFolder(context);
  await mkdir(folder, { recursive: true });
  let rows = Math.floor((diskBytes * keptShare) / keptRowBytes(bytes));
  const keep = async (split: 'train' | 'test', count: number): Promise<EncodedImages['kept']> => {
    const some = Math.min(rows, count);
    rows -= some;
    if (some === 0) return undefined;
    const path = join(folder, `${digest}.${split}.rows`);
    await writeFile(path, '', { flag: 'a', mode: 0o600 });
    await touch(path);
    return { path, rows: some };
  };
  const kept = {
    train: await keep('train', train.length + validation.length + unlabeled.length),
    test: await keep('test', test.length),
  };
  const planned = ((kept.train?.rows ?? 0) + (kept.test?.rows ?? 0)) * keptRowBytes(bytes);
  await makeRoom(folder, diskBytes - planned);
  return kept;
}
