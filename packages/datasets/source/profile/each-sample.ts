import type { Split } from '../dataset.ts';
import { openReader } from '../readers/index.ts';
import { yieldToEvents } from '../yield-to-events.ts';

/** The bytes of the samples that are read at once. */
const blockBytes = 4 * 2 ** 20;

/**
 * Reads every sample of a split in order.
 *
 * @param visit gets the bytes of a sample, which it must not keep, and its position
 */
export async function eachSample(
  { reader: description, count }: Split,
  visit: (bytes: Uint8Array, index: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  const reader = await openReader(description);
  const { bytes } = reader;
  const rows = Math.max(1, Math.floor(blockBytes / bytes));
  const block = new Uint8Array(rows * bytes);
  try {
    for (let first = 0; first < count; first += rows) {
      await yieldToEvents(signal);
      const some = Math.min(rows, count - first);
      const indices = Int32Array.from({ length: some }, (_, place) => first + place);
      await reader.read(indices, block.subarray(0, some * bytes));
      for (let place = 0; place < some; place++)
        visit(block.subarray(place * bytes, (place + 1) * bytes), first + place);
    }
  } finally {
    await reader.close();
  }
}
