import { realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { MAX_FILES } from '../archives/archive.ts';
import type { DatasetContext } from '../dataset.ts';
import { heldOutSamples, refuseFolds } from '../held-out.ts';
import { labelReader } from '../rows/labels.ts';
import { recordsOf } from '../rows/records.ts';
import { type RowFault, type RowFile } from '../rows/row-file.ts';
import { rowLosses } from '../rows/row-losses.ts';
import type { SplitFiles } from '../rows/survey.ts';
import { resolveSourcePath } from '../source-path.ts';
import { type Layout, withLayoutClasses } from './image-layout.ts';
import { splitNamed, type SplitName } from './split-folders.ts';

const maximumClasses = 10_000;

interface Columns {
  image: string;
  label: string;
  /** The column that names the split of each row, if there is one. */
  split: string | undefined;
}

interface Row {
  /** As in the table. */
  name: string;
  label: string;
  split: SplitName;
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
  const of = (split: Row['split']) => all.filter((row) => row.split === split);
  const [train, validation, test] = [of('train'), of('validation'), of('test')];
  const classes = [...new Set(train.map(({ label }) => label))].sort();
  if (classes.length < 2)
    throw new RangeError(
      classes.length === 0
        ? 'lists no image for training'
        : `all images have the label ${JSON.stringify(classes[0])}`,
    );
  if (classes.length > maximumClasses) throw new RangeError(`more than ${maximumClasses} different labels`);
  const rank = new Map(classes.map((name, index) => [name, index]));
  const samples = (some: readonly Row[], split: SplitName) =>
    some.map(({ name, label }) => {
      const index = rank.get(label);
      if (index === undefined)
        throw new RangeError(
          `the ${split} split has the label ${JSON.stringify(label)}, which no training image has`,
        );
      return { name, label: index };
    });
  const notes: string[] = [];
  if (test.length === 0 && validation.length > 0)
    notes.push('there is no test split: the validation split is tested on');
  const chosen = (layout: Layout) => withLayoutClasses(layout, files.classes);
  const trained = samples(train, 'train');
  const given = samples(validation, 'validation');
  const tested = samples(test, 'test');
  if (tested.length + given.length > 0) refuseFolds(files.held);
  if (tested.length > 0)
    return { layout: chosen({ classes, train: trained, validation: given, test: tested }), places, notes };
  if (given.length > 0)
    return { layout: chosen({ classes, train: trained, validation: [], test: given }), places, notes };
  const held = new Set(
    heldOutSamples(
      Int32Array.from(trained, ({ label }) => label),
      files.held,
    ),
  );
  if (held.size === 0) throw new RangeError('the classes have too few images to hold out some for testing');
  const layout = {
    classes,
    train: trained.filter((_, index) => !held.has(index)),
    validation: [],
    test: trained.filter((_, index) => held.has(index)),
  };
  return { layout: chosen(layout), places, notes };
}

async function rowsIn(
  file: RowFile,
  columns: Columns,
  folder: string | undefined,
  places: Map<string, string>,
  context: DatasetContext,
  refuse: (name: string, reason: string) => void,
): Promise<Row[]> {
  const base = folder ?? dirname(await realpath(file.path));
  const labelOf = labelReader(file.missingLabels);
  const losses = rowLosses(refuse);
  const chosen = [columns.image, columns.label, ...(columns.split === undefined ? [] : [columns.split])];
  const rows: Row[] = [];
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

  async function rowOf([path, field, split = 'train']: string[]): Promise<Row | Omit<RowFault, 'name'>> {
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
