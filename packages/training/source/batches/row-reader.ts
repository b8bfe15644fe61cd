// These entry points do not import TensorFlow.js: the batch thread must start fast.
import { adjacentReads } from '@distillery/datasets/readers';
import { fromFloat16 } from '@distillery/formats/float16';
import { DistilleryError } from '@distillery/spec/errors';
import type { Store } from '@distillery/store';

/** A blob of stored rows, described so that any thread can open it. */
export interface RowFile {
  /** The URL of the store that holds the blob. */
  store: string;
  digest: string;
  /** The shape of one row, without the batch. */
  shape: number[];
  /** The number of values in one row. */
  length: number;
  dtype: 'F16' | 'F32';
}

export interface RowReader {
  shape: number[];
  /** @returns `[positions.length, …shape]` */
  read(positions: Int32Array): Float32Array;
  close(): Promise<void>;
}

/** The buffer that all readers of a thread share. It grows only for longer rows. */
let block = new ArrayBuffer(1 << 18);

/**
 * Opens a blob of rows and verifies it once for each process. Only the rows of a batch and one block of a blob are in
 * memory.
 *
 * @param store the store at the file's URL
 * @throws DistilleryError `checkpoint_not_found` when the blob is missing, `artifact_corrupt` when it is damaged; `read`
 *   throws `artifact_corrupt` when the blob has been truncated since
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
      for (const { first, end, places } of adjacentReads(positions, rowBytes, block.byteLength)) {
        fill(first, end);
        for (const place of places) {
          const row = rows.subarray(place * length, (place + 1) * length);
          const start = (positions[place] - first) * length;
          if (dtype === 'F16') fromFloat16(halves.subarray(start, start + length), row);
          else row.set(floats.subarray(start, start + length));
        }
      }
      return rows;
    },
    close: () => blob.close(),
  };

  /** Reads the rows from `first` up to `end`, exclusive, to the start of the block. */
  function fill(first: number, end: number): void {
    const wanted = (end - first) * rowBytes;
    const got = blob.read(first * rowBytes, new Uint8Array(block, 0, wanted));
    if (got === wanted) return;
    const cut = first + Math.floor(got / rowBytes);
    throw new DistilleryError('artifact_corrupt', `${digest}: row ${cut} is truncated`);
  }
}
