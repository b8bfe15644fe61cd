import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { toFloat16 } from '@distillery/formats';
import { type Store } from '@distillery/store';
import { sizeOf } from '@distillery/engine';
import { digestOf, DistilleryError } from '@distillery/spec';
import type { RowFile } from './batches/row-reader.ts';

/**
 * A frozen teacher's outputs: one file of rows for each (tap, view), a row for each training image in the order of
 * the split. Maps, sequences and scores of attention are kept as float16, vectors and logits as float32.
 */
export interface StoredRows {
  digest: string;
  size: number;
  /** Of one row, without the batch. */
  shape: number[];
  dtype: 'F16' | 'F32';
  rows: number;
}

/** All that determines a teacher's outputs; their address in the store is its digest. */
export interface OutputsKey {
  teacher: string;
  /** Absent where the teacher's classes are the job's. */
  classMap?: readonly number[];
  dataset: string;
  split: unknown;
  augmentation: unknown;
}

/** Below it lie the manifests of every tap and view. */
export function outputsAddress(key: OutputsKey): string {
  return `outputs/${digestOf(key)}`;
}

/** The manifest's name of one tap in one view. */
export function outputsName(key: OutputsKey, tap: string, view: number): string {
  return `${outputsAddress(key)}/${tap}/${view}`;
}

export function rowType(shape: readonly number[]): StoredRows['dtype'] {
  return shape.length > 1 ? 'F16' : 'F32';
}

/** Writes rows as they come; memory is bounded by one batch and the stream's buffer. */
export function rowWriter(store: Store, shape: number[]) {
  const dtype = rowType(shape);
  const stream = new PassThrough();
  const stored = store.put(stream);
  // A failure surfaces in `write` or `close`, whichever comes first; until then it must not count as unhandled.
  stream.on('error', () => {});
  stored.catch((error: unknown) => stream.destroy(error as Error));
  let rows = 0;
  return {
    /** @param values `[batch, …shape]` */
    async write(values: Float32Array): Promise<void> {
      const data = dtype === 'F16' ? toFloat16(values) : values;
      rows += values.length / sizeOf(shape);
      const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      if (!stream.write(bytes)) await Promise.race([once(stream, 'drain'), stored]);
    },
    async close(): Promise<StoredRows> {
      stream.end();
      return { ...(await stored), shape, dtype, rows };
    },
    abort(error: Error): void {
      stream.destroy(error);
    },
  };
}

/**
 * Where the rows lie on this machine, for `openRows`.
 *
 * @throws DistilleryError `artifact_corrupt` when the size is not that of so many rows
 */
export async function rowFile(
  store: Store,
  { digest, size, shape, dtype, rows }: StoredRows,
): Promise<RowFile> {
  const length = sizeOf(shape);
  const rowBytes = length * (dtype === 'F16' ? 2 : 4);
  if (rows * rowBytes !== size) {
    throw new DistilleryError(
      'artifact_corrupt',
      `${digest}: ${size} bytes are not ${rows} rows of ${rowBytes} bytes`,
    );
  }
  return { path: await store.localPath(digest), digest, shape, length, dtype };
}
