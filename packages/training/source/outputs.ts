import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { toFloat16 } from '@distillery/formats';
import { claim, type Store } from '@distillery/store';
import { sizeOf } from '@distillery/engine';
import { digestOf, DistilleryError } from '@distillery/spec';
import { z } from 'zod';
import type { RowFile } from './batches/row-reader.ts';

/**
 * A frozen teacher's outputs: one blob of rows for each (tap, view), with a row for each training image in the order of
 * the split. Maps, sequences and attention scores are kept as float16, vectors and logits as float32.
 */
export const storedRowsSchema = z.object({
  digest: z.string(),
  size: z.number().int(),
  /** The shape of one row, without the batch. */
  shape: z.array(z.number().int()),
  dtype: z.enum(['F16', 'F32']),
  rows: z.number().int(),
});
export type StoredRows = z.output<typeof storedRowsSchema>;

/** Everything that determines a teacher's outputs; its digest is their address in the store. */
export interface OutputsKey {
  teacher: string;
  /** Absent when the teacher has the job's classes. */
  classMap?: readonly number[];
  dataset: string;
  split: unknown;
  augmentation: unknown;
}

/** Returns the folder of the manifests of every tap and view. */
export function outputsAddress(key: OutputsKey): string {
  return `outputs/${digestOf(key)}`;
}

/** Returns the name of the manifest of one tap in one view. */
export function outputsName(key: OutputsKey, tap: string, view: number): string {
  return rowsName(outputsAddress(key), tap, view);
}

/** As `outputsName`, below the folder of a result. */
export function rowsName(address: string, tap: string, view: number): string {
  return `${address}/${tap}/${view}`;
}

/**
 * Returns the rows that a manifest names, where manifest and rows are intact; they then count as used. The name of a manifest whose rows are
 * missing or damaged is freed, so that the rows can be computed again and committed under it.
 */
export async function intactRows(store: Store, name: string): Promise<StoredRows | undefined> {
  const rows = await store.manifest(name, storedRowsSchema);
  if (rows === undefined) return undefined;
  if (await claim(store, name, [rows.digest])) return rows;
  await store.removeManifest(name);
  return undefined;
}

export function rowType(shape: readonly number[]): StoredRows['dtype'] {
  return shape.length > 1 ? 'F16' : 'F32';
}

/** Writes rows batch by batch; memory is bounded by one batch and the stream's buffer. */
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
 * Describes stored rows for `openRows`, which verifies them.
 *
 * @throws DistilleryError `artifact_corrupt` when the size is not that of the rows, `checkpoint_not_found` when the blob
 *   is missing
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
  if ((await store.stat(digest)) === undefined) {
    throw new DistilleryError('checkpoint_not_found', `the store has no blob ${digest}`);
  }
  return { store: store.url, digest, shape, length, dtype };
}
