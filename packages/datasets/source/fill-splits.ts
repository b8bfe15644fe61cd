import type { Dataset, DatasetContext, Split } from './dataset.ts';
import { decodeRgb, DECODES_AT_ONCE } from './images/decode-image.ts';
import type { ImageFiles } from './images/image-files.ts';
import { sharedMemory } from './shared-memory.ts';
import type { Layout, Sample } from './images/image-layout.ts';

const MAX_SKIPPED_NAMES = 100;
const PROGRESS_STEP = 10_000;

export interface Filled {
  train: Split;
  test: Split;
  skipped: Dataset['skipped'];
}

/**
 * Decodes every image of the layout into its place, so that the result does not depend on the order in which the
 * source gives its files. Images that do not decode are left out and listed by name.
 *
 * @param size `[height, width]` that every image is brought to
 * @param refused names that were never read, with the reason; counted among the skipped
 */
export async function fillSplits(
  files: ImageFiles,
  layout: Layout,
  size: readonly [number, number],
  refused: readonly { name: string; reason: string }[],
  context: DatasetContext,
): Promise<Filled> {
  const failed = [...refused];
  const train = new Places(layout.train, size[0] * size[1] * 3);
  const test = new Places(layout.test, size[0] * size[1] * 3);
  const total = layout.train.length + layout.test.length;
  let decoded = 0;
  const decode = async (name: string, bytes: Buffer | Error) => {
    // a name that an archive holds twice: the first stands
    const place = train.take(name) ?? test.take(name);
    if (place === undefined) return;
    try {
      if (bytes instanceof Error) throw bytes;
      place(await decodeRgb(bytes, size));
      if (++decoded % PROGRESS_STEP === 0) context.progress?.(`decoded ${decoded} of ${total} images`);
    } catch (error) {
      failed.push({ name, reason: (error as Error).message });
    }
  };
  const running = new Set<Promise<void>>();
  for await (const { name, bytes } of files.contents(context.signal)) {
    const task: Promise<void> = decode(name, bytes).finally(() => running.delete(task));
    running.add(task);
    if (running.size >= DECODES_AT_ONCE) await Promise.race(running);
  }
  await Promise.all(running);
  failed.sort((a, b) => (a.name < b.name ? -1 : 1));
  const skipped = { count: failed.length, first: failed.slice(0, MAX_SKIPPED_NAMES) };
  return { train: train.split(), test: test.split(), skipped };
}

/** A split's memory, one place for each sample of the layout. */
class Places {
  private readonly images: Uint8Array;
  private readonly filled: Uint8Array;
  private readonly indices: Map<string, number>;
  private readonly samples: readonly Sample[];
  private readonly pixels: number;

  constructor(samples: readonly Sample[], pixels: number) {
    this.samples = samples;
    this.pixels = pixels;
    this.images = sharedMemory(samples.length * pixels);
    this.filled = new Uint8Array(samples.length);
    this.indices = new Map(samples.map(({ name }, index) => [name, index]));
  }

  /** Gives out the place of a sample, once. */
  take(name: string): ((image: Uint8Array) => void) | undefined {
    const index = this.indices.get(name);
    if (index === undefined) return undefined;
    this.indices.delete(name);
    return (image) => {
      this.images.set(image, index * this.pixels);
      this.filled[index] = 1;
    };
  }

  /** The filled places, moved together. */
  split(): Split {
    const labels: number[] = [];
    for (const [index, { label }] of this.samples.entries()) {
      if (this.filled[index] === 0) continue;
      const from = index * this.pixels;
      if (labels.length < index)
        this.images.copyWithin(labels.length * this.pixels, from, from + this.pixels);
      labels.push(label);
    }
    const inputs = this.images.subarray(0, labels.length * this.pixels);
    return { inputs, labels: Int32Array.from(labels), count: labels.length };
  }
}
