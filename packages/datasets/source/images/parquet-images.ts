import { DistilleryError } from '@distillery/spec';
import { labelReader, usualMissing } from '../rows/labels.ts';
import { classNames, checkGroup } from '../rows/parquet-records.ts';
import { parquetThread } from '../rows/parquet-thread.ts';
import { writtenValue } from '../rows/written-value.ts';
import type { PackedImages } from './packed-images.ts';
import type { ImageRow } from './rows-layout.ts';
import type { Shard } from './shards.ts';

interface Columns {
  image: string;
  label: string;
}

const nameOf = (shard: Shard, row: number) => `${shard.name}, row ${row + 1}`;

/** Reads images of Parquet files. Their labels are a column of their own, so listing them reads no image. */
export function parquetImages(
  shards: readonly Shard[],
  columns: Columns,
): Pick<PackedImages, 'list' | 'contents'> {
  return {
    async list(signal) {
      const rows: ImageRow[] = [];
      const refused: { name: string; reason: string }[] = [];
      const labelOf = labelReader(usualMissing);
      let order: string[] | undefined;
      for (const shard of shards) {
        for await (const { names, objects, start } of groupsOf(shard, columns, [columns.label], signal)) {
          order ??= names;
          for (const [index, object] of objects.entries()) {
            const name = nameOf(shard, start + index);
            const value = writtenValue(object[columns.label]) ?? '';
            // Hugging Face writes −1 where a label is missing.
            const found = labelOf(names === undefined ? value : (names[Number(value)] ?? ''));
            if ('label' in found) rows.push({ name, label: found.label, split: shard.split });
            else refused.push({ name, reason: found.reason });
          }
        }
      }
      return { rows, order: order?.map((name) => name.normalize('NFC')), refused };
    },
    async *contents(signal, wanted) {
      for (const shard of shards) {
        for await (const { objects, start } of groupsOf(shard, columns, [columns.image], signal)) {
          for (const [index, object] of objects.entries()) {
            const name = nameOf(shard, start + index);
            if (wanted?.has(name) === false) continue;
            const { bytes, path } = (object[columns.image] ?? {}) as { bytes?: unknown; path?: unknown };
            const link = typeof path === 'string' ? `, only the path ${path}` : '';
            yield {
              name,
              bytes:
                bytes instanceof Uint8Array ? Buffer.from(bytes) : new RangeError(`holds no image${link}`),
            };
          }
        }
      }
    },
  };
}

/** Yields the row groups of a file with the names of its classes. */
async function* groupsOf(shard: Shard, columns: Columns, wanted: readonly string[], signal?: AbortSignal) {
  const thread = parquetThread(shard.path);
  try {
    const { header, images, groups, huggingFace } = await thread.outline();
    requireColumn(shard, 'image', columns.image, images);
    requireColumn(shard, 'label', columns.label, header);
    const names = classNames(huggingFace, columns.label);
    let start = 0;
    for (const count of groups) {
      signal?.throwIfAborted();
      checkGroup(count);
      const objects = count === 0 ? [] : await thread.rows(wanted, start, start + count, false);
      checkGroup(count, objects.length);
      yield { names, objects, start };
      start += count;
    }
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new RangeError(`${shard.name} ${cause.message}`, { cause });
  } finally {
    await thread.close();
  }
}

/** @throws DistilleryError `data_error` that names the option, and the columns that there are */
function requireColumn(
  shard: Shard,
  option: 'image' | 'label',
  column: string,
  found: readonly string[],
): void {
  if (found.includes(column)) return;
  const what = option === 'image' ? 'column of images' : 'column of labels';
  const message = `${shard.name} has no ${what} ${JSON.stringify(column)}`;
  throw new DistilleryError('data_error', message, {
    fields: [{ path: `/dataset/${option}`, value: column, message, allowed: found.slice(0, 100) }],
  });
}
