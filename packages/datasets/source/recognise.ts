import { basename } from 'node:path';
import { DistilleryError } from '@distillery/spec';
import { archiveEntries } from './archives/archive.ts';
import { openNpz } from './arrays/npz.ts';
import { isImageName } from './images/image-layout.ts';
import { openRegularFile } from './regular-file.ts';
import { usualMissing } from './rows/labels.ts';
import { parquetThread } from './rows/parquet-thread.ts';
import { recordsOf } from './rows/records.ts';
import type { RowFault, RowFile } from './rows/row-file.ts';

/** A source that can read a file, with the options that the file itself decides. */
export interface Recognised {
  source: string;
  options: Record<string, unknown>;
}

/** Names of the columns of labels and of texts in common files, by preference. */
const labelNames = ['label', 'labels', 'class', 'category', 'target', 'sentiment', 'y'];
/** The columns of the two texts of pairs in common files. */
const pairNames = [
  ['sentence1', 'sentence2'],
  ['question1', 'question2'],
  ['premise', 'hypothesis'],
  ['text1', 'text2'],
  ['text_a', 'text_b'],
  ['question', 'sentence'],
];
const textNames = ['text', 'texts', 'sentence', 'review', 'content', 'comment', 'message', 'body', 'title'];

const rowName = /\.(csv|tsv|tab|txt|jsonl|ndjson)(\.gz)?$|\.parquet$/i;
const idxName = /(images|labels)[-_.]idx\d[-_.]ubyte(\.gz)?$/i;
const [mostEntries, mostRows] = [5000, 200];

/**
 * Tells which source reads a file, by its name, its first bytes and the names in it.
 *
 * @param path the file, whose name is that which people gave it
 * @throws DistilleryError `data_error` for the field `/source` where that cannot be told
 */
export async function recognise(path: string, signal?: AbortSignal): Promise<Recognised> {
  const name = basename(path);
  try {
    if (rowName.test(name)) return (await recogniseImageRows(path)) ?? (await recogniseRows(path, signal));
    const head = await beginning(path);
    if (head.subarray(0, 2).toString() === 'PK') {
      if (/\.npz$/i.test(name) || (await holdsArrays(path))) return { source: 'npz', options: {} };
      return await recogniseArchive(path, signal);
    }
    const isTar = head.subarray(257, 262).toString() === 'ustar';
    const isPacked =
      (head[0] === 0x1f && head[1] === 0x8b) || head.subarray(0, 4).toString('hex') === '28b52ffd';
    if (isTar || isPacked) return await recogniseArchive(path, signal);
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof DistilleryError) throw cause;
    throw unknown(`${name}: ${(cause as Error).message}`, cause);
  }
  throw unknown(
    `${name} is of no kind that is recognised: a zip or tar archive of images, CSV, TSV, JSON Lines, Parquet, NPZ, or an archive of CIFAR; give the file the extension of its kind, or name the source`,
  );
}

async function recogniseArchive(path: string, signal: AbortSignal | undefined): Promise<Recognised> {
  let [images, seen] = [0, 0];
  let refused = '';
  /** The name of the latest image, up to its first dot. */
  let before: string | undefined;
  const refuse = (name: string, reason: string) => (refused ||= `; ${name} ${reason}`);
  for await (const entry of archiveEntries(path, refuse, signal)) {
    const last = entry.name.split('/').at(-1) ?? '';
    if (/^(train|test)\.bin$|^(fine|coarse)_label_names\.txt$/.test(last) || /cifar-100/.test(entry.name))
      return { source: 'cifar100', options: {} };
    if (/^(data|test)_batch(_\d)?(\.bin)?$/.test(last)) return { source: 'cifar10', options: {} };
    if (idxName.test(last)) return { source: 'idx', options: {} };
    const stem = entry.name.replace(/\.[^/]*$/, '');
    if (last.endsWith('.cls') || (last.endsWith('.json') && stem === before))
      return { source: 'webdataset', options: {} };
    before = isImageName(entry.name) ? stem : before;
    if (isImageName(entry.name)) images++;
    if (images > 3 || ++seen >= mostEntries) break;
  }
  if (images > 0) return { source: 'image_folder', options: {} };
  throw unknown(
    `${basename(path)} is an archive without images (${seen} files were looked at): put images into folders of their classes${refused}`,
  );
}

async function holdsArrays(path: string): Promise<boolean> {
  const file = await openNpz(path).catch(() => undefined);
  file?.close();
  return file !== undefined && file.keys.length > 0;
}

/** A Parquet file with a column of images. */
async function recogniseImageRows(path: string): Promise<Recognised | undefined> {
  if (!/\.parquet$/i.test(path)) return undefined;
  await (await openRegularFile(path)).close();
  const thread = parquetThread(path);
  try {
    const { header, images } = await thread.outline();
    const [image] = images;
    const label = usual(labelNames, header);
    return image === undefined || label === undefined
      ? undefined
      : { source: 'image_parquet', options: { image, label } };
  } finally {
    await thread.close();
  }
}

async function recogniseRows(path: string, signal: AbortSignal | undefined): Promise<Recognised> {
  const file: RowFile = { path, encoding: 'utf-8', header: true, missingLabels: [] };
  let columns: string[] = [];
  const rows: string[][] = [];
  const all = (header: string[]) => (columns = header.slice(0, 10_000));
  let fault: RowFault | undefined;
  for await (const batch of recordsOf(file, all, signal)) {
    for (const record of batch) {
      if ('reason' in record) fault ??= record;
      else if (rows.length < mostRows) rows.push(record.values);
    }
    if (rows.length >= mostRows) break;
  }
  if (rows.length === 0 && fault !== undefined)
    throw unknown(
      `no row can be read: ${fault.name} ${fault.reason}; correct the file, or set the options of its form`,
    );
  const label = usual(labelNames, columns);
  const others = columns.filter((column) => column !== label);
  const isNumeric = (column: string) => rows.every((row) => isNumber(row[columns.indexOf(column)] ?? ''));
  if (rows.length > 0 && label !== undefined && others.length > 0) {
    if (others.every(isNumeric)) return { source: 'table', options: { label } };
    const words = others.filter((column) => !isNumeric(column));
    for (const [first, second] of pairNames) {
      const [text, pair] = [usual([first], words), usual([second], words)];
      if (text !== undefined && pair !== undefined)
        return { source: 'text_csv', options: { text, pair, label } };
    }
    const text = usual(textNames, words) ?? (words.length === 1 ? words[0] : undefined);
    if (text !== undefined) return { source: 'text_csv', options: { text, label } };
  }
  const found = columns.slice(0, 20).map((column) => JSON.stringify(column));
  throw unknown(
    `${basename(path)} has the columns ${found.join(', ')}: name the source, text_csv with the options "text" and "label", or table with "label"`,
  );
}

function usual(names: readonly string[], columns: readonly string[]): string | undefined {
  for (const name of names) {
    const found = columns.find((column) => column.trim().toLowerCase() === name);
    if (found !== undefined) return found;
  }
  return undefined;
}

const missing = new Set([...usualMissing, '', '?', 'true', 'false', 'True', 'False']);
const isNumber = (field: string) => missing.has(field.trim()) || Number.isFinite(Number(field));

async function beginning(path: string): Promise<Buffer> {
  const file = await openRegularFile(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function unknown(message: string, cause?: unknown): DistilleryError {
  return new DistilleryError('data_error', message, { cause, fields: [{ path: '/source', message }] });
}
