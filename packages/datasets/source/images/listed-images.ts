import { realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { MAX_FILES } from '../archives/archive.ts';
import type { DatasetContext } from '../dataset.ts';
import { labelReader } from '../rows/labels.ts';
import { recordsOf } from '../rows/records.ts';
import { type RowFault, type RowFile } from '../rows/row-file.ts';
import { rowLosses } from '../rows/row-losses.ts';
import type { SplitFiles } from '../rows/survey.ts';
import { resolveSourcePath } from '../source-path.ts';
import type { Layout } from './image-layout.ts';
import { type ImageRow, layoutOfRows } from './rows-layout.ts';
import { splitNamed } from './split-folders.ts';

interface Columns {
  image: string;
  label: string;
  /** The column that names the split of each row, if there is one. */
  split: string | undefined;
}

/** Images that tables list, with what people should know about them. */
export interface ListedImages {
  layout: Layout;
  /** Where each image is, by its name in the tables. */
  places: Map<string, string>;
  notes: string[];
}

/**
 * Reads tables of image paths and labels. Without rows of the split `test`, those of `validation` are for testing; without
 * either, a part of each class is held out.
 *
 * @param folder the folder that relative paths begin at; absent: that of each table
 * @param refuse called for each row that is left out
 * @throws RangeError when there are too many damaged rows, fewer than two classes, or other classes in the test split
 */
export async function listedImages(
  files: SplitFiles,
  columns: Columns,
  folder: string | undefined,
  context: DatasetContext,
  refuse: (name: string, reason: string) => void,
): Promise<ListedImages> {
  const places = new Map<string, string>();
  const read = (file: RowFile) => rowsIn(file, columns, folder, places, context, refuse);
  const rows = await read(files.train);
  // A file of its own for testing holds nothing else.
  const own =
    files.test === undefined
      ? []
      : (await read(files.test)).map((row) => ({ ...row, split: 'test' as const }));
  const all = [...rows.filter(({ split }) => files.test === undefined || split !== 'test'), ...own];
  return { ...layoutOfRows(all, files), places };
}

async function rowsIn(
  file: RowFile,
  columns: Columns,
  folder: string | undefined,
  places: Map<string, string>,
  context: DatasetContext,
  refuse: (name: string, reason: string) => void,
): Promise<ImageRow[]> {
  const base = folder ?? dirname(await realpath(file.path));
  const labelOf = labelReader(file.missingLabels);
  const losses = rowLosses(refuse);
  const chosen = [columns.image, columns.label, ...(columns.split === undefined ? [] : [columns.split])];
  const rows: ImageRow[] = [];
  for await (const records of recordsOf(file, () => chosen, context.signal)) {
    for (const record of records) {
      const found = 'reason' in record ? record : await rowOf(record.values);
      if (!('reason' in found)) rows.push(found);
      else losses.note({ ...found, name: record.name });
      if (rows.length > MAX_FILES) throw new RangeError(`lists more than ${MAX_FILES} images`);
    }
  }
  losses.check(rows.length);
  return rows;

  async function rowOf([path, field, split = 'train']: string[]): Promise<ImageRow | Omit<RowFault, 'name'>> {
    const labelled = labelOf(field);
    const name = path.trim();
    const part = splitNamed(split.trim());
    if (name === '') return { reason: 'the path of the image is empty' };
    if (!('label' in labelled)) return labelled;
    if (part === undefined)
      return { reason: `the split is ${JSON.stringify(split)}; expected train, validation or test` };
    if (places.has(name)) return { reason: `the image ${name} is in an earlier row` };
    try {
      places.set(name, await resolveSourcePath(isAbsolute(name) ? name : join(base, name), context));
    } catch {
      return { reason: `the image ${name} is not in an allowed folder` };
    }
    return { name, label: labelled.label, split: part };
  }
}
