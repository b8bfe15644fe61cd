// By files of their own: the thread that reads rows starts with them, and with no TensorFlow.js.
import { fromFloat16 } from '@distillery/formats/float16';
import { DistilleryError } from '@distillery/spec/errors';
import type { Store } from '@distillery/store';

/** A blob of stored rows, described so that any thread can open it. */
export interface RowFile {
  /** The URL of the store that holds the blob. */
  store: string;
  digest: string;
  /** Of one row, without the batch. */
  shape: number[];
  /** Numbers in one row. */
  length: number;
  dtype: 'F16' | 'F32';
}

export interface RowReader {
  shape: number[];
  /** @returns `[positions.length, …shape]` */
  read(positions: Int32Array): Float32Array;
  close(): Promise<void>;
}

/** What a read fills, for all readers of a thread; only a longer row makes it longer. */
let block = new ArrayBuffer(1 << 18);
/** Rows as near as a page of the file system come with the same read. */
const nearBytes = 4096;

/**
 * Opens a blob of rows and verifies it, once for each process. Beside the rows of a batch only one block of one blob is
 * in memory.
 *
 * @param store the store at the file's URL
 * @throws DistilleryError `checkpoint_not_found` for a blob that is gone, `artifact_corrupt` for one that is damaged;
 *   `artifact_corrupt` also from `read`, for a blob that has been cut short since
 */
export async function openRows({ digest, shape, length, dtype }: RowFile, store: Store): Promise<RowReader> {
  const rowBytes = length * (dtype === 'F16' ? 2 : 4);
  if (block.byteLength < rowBytes) block = new ArrayBuffer(4 * Math.ceil(rowBytes / 4));
  const blob = await store.open(digest, { verify: true });
  return {
    shape,
    read(positions) {
      const rows = new Float32Array(positions.length * length);
      const [halves, floats] = [new Uint16Array(block), new Float32Array(block)];
      // In the order of the file, so that a read only goes forward and takes neighbours along.
      const order = Uint32Array.from(positions.keys()).sort((a, b) => positions[a] - positions[b]);
      for (let from = 0, to = 0; from < order.length; from = to) {
        const first = positions[order[from]];
        let end = first + 1;
        for (to = from + 1; to < order.length; to++) {
          const next = positions[order[to]];
          if ((next - end) * rowBytes > nearBytes || (next + 1 - first) * rowBytes > block.byteLength) break;
          end = next + 1;
        }
        fill(first, end);
        for (let i = from; i < to; i++) {
          const row = rows.subarray(order[i] * length, (order[i] + 1) * length);
          const start = (positions[order[i]] - first) * length;
          if (dtype === 'F16') fromFloat16(halves.subarray(start, start + length), row);
          else row.set(floats.subarray(start, start + length));
        }
      }
      return rows;
    },
    close: () => blob.close(),
  };

  /** Reads the rows from `first` up to `end` to the block's start. */
  function fill(first: number, end: number): void {
    const wanted = (end - first) * rowBytes;
    const got = blob.read(first * rowBytes, new Uint8Array(block, 0, wanted));
    if (got === wanted) return;
    const cut = first + Math.floor(got / rowBytes);
    throw new DistilleryError('artifact_corrupt', `${digest}: row ${cut} is cut short`);
  }
}
