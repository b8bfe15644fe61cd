import { closeSync, openSync, readSync } from 'node:fs';
// By files of their own: the thread that reads rows starts with them, and with no TensorFlow.js.
import { fromFloat16 } from '@distillery/formats/float16';
import { DistilleryError } from '@distillery/spec/errors';

/** A file of stored rows as any thread can open it. */
export interface RowFile {
  path: string;
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
  close(): void;
}

/** What a read fills, for all readers of a thread; only a longer row makes it longer. */
let block = new ArrayBuffer(1 << 18);
/** Rows as near as a page of the file system come with the same read. */
const nearBytes = 4096;

/**
 * Opens a file of rows for reads by position: beside the rows of a batch only one block of one file is in memory.
 *
 * @throws DistilleryError `artifact_corrupt` (from `read`) for a file that ends before a row does
 */
export function openRows({ path, digest, shape, length, dtype }: RowFile): RowReader {
  const rowBytes = length * (dtype === 'F16' ? 2 : 4);
  if (block.byteLength < rowBytes) block = new ArrayBuffer(4 * Math.ceil(rowBytes / 4));
  const file = openSync(path, 'r');
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
    close: () => closeSync(file),
  };

  /** Reads the rows from `first` up to `end` to the block's start. */
  function fill(first: number, end: number): void {
    const wanted = (end - first) * rowBytes;
    const got = readSync(file, new Uint8Array(block), 0, wanted, first * rowBytes);
    if (got === wanted) return;
    const cut = first + Math.floor(got / rowBytes);
    throw new DistilleryError('artifact_corrupt', `${digest}: row ${cut} is cut short`);
  }
}
