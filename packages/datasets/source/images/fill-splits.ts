import type { Dataset, DatasetContext } from '../dataset.ts';
import type { SplitWriter } from '../split-draft.ts';
import { checkDecoded } from './check-decoded.ts';
import { decodeImage, DECODES_AT_ONCE } from './decode-image.ts';
import type { ImageFiles } from './image-files.ts';
import { misnamedImages } from './image-format.ts';
import type { ImageTarget } from './image-options.ts';
import type { Layout } from './image-layout.ts';

const MAX_SKIPPED_NAMES = 100;
const PROGRESS_STEP = 10_000;

/** What filling the splits of a layout has led to. */
interface FilledSplits {
  skipped: Dataset['skipped'];
  /** What people should know about the files. */
  notes: string[];
  /** The number of decoded validation images; absent where there are none. */
  validation?: number;
  /** The number of decoded images without a class; absent where there are none. */
  unlabeled?: number;
}

/**
 * Decodes every image of the layout into its position, so that the result does not depend on the order in which the source
 * lists its files; validation images follow those of the training split, and images without a class follow them. Images that cannot be decoded are skipped and listed by
 * name.
 *
 * @param target the array that every image becomes
 * @param refused files that were refused before, with the reason; they count as skipped
 * @throws RangeError that names the first ones when too many are lost, see `checkDecoded`
 */
export async function fillSplits(
  files: Pick<ImageFiles, 'contents'>,
  layout: Layout,
  target: ImageTarget,
  refused: readonly { name: string; reason: string }[],
  writers: { train: SplitWriter; test: SplitWriter },
  context: DatasetContext,
): Promise<FilledSplits> {
  const failed = [...refused];
  const places = new Map(
    (['test', 'validation', 'train', 'unlabeled'] as const).flatMap((split) =>
      (layout[split] ?? []).map(({ name, label }, position) => [name, { split, position, label }] as const),
    ),
  );
  const total = places.size;
  const zeros = () => layout.classes.map(() => 0);
  const decoded = { train: zeros(), validation: zeros(), test: zeros() };
  let unlabeled = 0;
  const firstOf = {
    train: 0,
    test: 0,
    validation: layout.train.length,
    unlabeled: layout.train.length + layout.validation.length,
  };
  const misnamed = misnamedImages();
  let count = 0;
  const decode = async (name: string, bytes: Buffer | Error) => {
    // An archive may hold a name twice: the first file counts.
    const place = places.get(name);
    if (place === undefined) return;
    places.delete(name);
    const pixels =
      bytes instanceof Error ? bytes : await decodeImage(bytes, target).catch((error: Error) => error);
    if (pixels instanceof Error) {
      failed.push({ name, reason: pixels.message });
      return;
    }
    if (!(bytes instanceof Error)) misnamed.see(name, bytes);
    const { split, position, label } = place;
    writers[split === 'test' ? 'test' : 'train'].put(firstOf[split] + position, label, pixels);
    if (split === 'unlabeled') unlabeled++;
    else decoded[split][label]++;
    if (++count % PROGRESS_STEP === 0) context.progress?.(`decoded ${count} of ${total} images`);
  };
  const running = new Set<Promise<void>>();
  for await (const { name, bytes } of files.contents(context.signal, new Set(places.keys()))) {
    const task: Promise<void> = decode(name, bytes).finally(() => running.delete(task));
    running.add(task);
    if (running.size >= DECODES_AT_ONCE) await Promise.race(running);
  }
  await Promise.all(running);
  const skipped = skippedOf(failed);
  checkDecoded(layout, { skipped, decoded });
  const validation = decoded.validation.reduce((sum, count) => sum + count, 0);
  return {
    skipped,
    notes: misnamed.notes(),
    ...(validation > 0 && { validation }),
    ...(unlabeled > 0 && { unlabeled }),
  };
}

/** Counts files that are left out, and names the first ones. */
export function skippedOf(files: readonly { name: string; reason: string }[]): Dataset['skipped'] {
  const sorted = [...files].sort((a, b) => (a.name < b.name ? -1 : 1));
  return { count: sorted.length, first: sorted.slice(0, MAX_SKIPPED_NAMES) };
}

/** What is left out by two steps, the first of which names its files first. */
export function joinedSkipped(one: Dataset['skipped'], other: Dataset['skipped']): Dataset['skipped'] {
  return {
    count: one.count + other.count,
    first: [...one.first, ...other.first].slice(0, MAX_SKIPPED_NAMES),
  };
}
