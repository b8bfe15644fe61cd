import { chosenClasses, type ClassChoice, classNamesOf } from '../classes.ts';
import type { DatasetContext } from '../dataset.ts';
import { type HeldOutChoice, heldOutSamples, refuseFolds } from '../held-out.ts';
import type { RowFault, RowFile } from './row-file.ts';
import { rowLosses } from './row-losses.ts';

const maximumClasses = 10_000;

export interface SplitFiles {
  train: RowFile;
  /** Absent when a part of the training file is held out for testing. */
  test: RowFile | undefined;
  /** Which rows are held out then. */
  held: HeldOutChoice;
  /** The classes that are used; absent: all. */
  classes?: ClassChoice;
}

/** Yields the labelled rows of a file, those of each chunk together. */
type Read<Row extends { label: string }> = (
  file: RowFile,
  refuse: (fault: RowFault) => void,
  signal?: AbortSignal,
) => AsyncGenerator<Row[]>;

/** The result of reading the files once. */
export interface Survey {
  classes: string[];
  /** Labels of the rows, in the order of the files, as indices into `classes`. */
  train: Int32Array;
  test: Int32Array;
  /** For each row of the training file whether it is held out for testing; undefined with a test file. */
  aside: Uint8Array | undefined;
  /** What people should know about the rows, as sentences. */
  notes: string[];
}

type Refuse = (name: string, reason: string) => void;

/**
 * Reads the labels of all files.
 *
 * @param refuse called for each row that is left out
 * @throws RangeError when there are fewer than two classes, a class of the test file is not in the training file, or there
 *   are no test rows
 */
export async function surveyRows(
  files: SplitFiles,
  read: Read<{ label: string }>,
  context: DatasetContext,
  refuse: Refuse,
): Promise<Survey> {
  const isUsed = usedLabels(files);
  const train = await labelsOf(files.train, read, context, refuse, isUsed);
  const found = [...train.names].sort();
  if (found.length < 2) {
    const [only] = found;
    throw new RangeError(
      only === undefined ? 'holds no labelled row' : `all rows have the label ${JSON.stringify(only)}`,
    );
  }
  const { classes, indices } = chosenClasses(found, files.classes);
  const rank = new Map(found.map((name, index) => [name, indices[index]]));
  const ranked = ({ names, labels }: Labels) => labels.map((label) => rank.get(names[label]) as number);
  const all = ranked(train);
  if (files.test !== undefined) {
    refuseFolds(files.held);
    const test = await labelsOf(files.test, read, context, refuse, isUsed);
    const unknown = test.names.filter((name) => isUsed(name) && !rank.has(name)).sort();
    if (unknown.length > 0) {
      throw new RangeError(
        `the test file has labels that are not in the training file: ${unknown.slice(0, 10).join(', ')}`,
      );
    }
    if (test.labels.length === 0) throw new RangeError('the test file holds no labelled row');
    return { classes, train: all, test: ranked(test), aside: undefined, notes: [] };
  }
  const held = heldOutSamples(all, files.held);
  if (held.length === 0) throw new RangeError(`the classes have too few rows to hold out some for testing`);
  const aside = new Uint8Array(all.length);
  for (const index of held) aside[index] = 1;
  return {
    classes,
    train: all.filter((_, index) => aside[index] === 0),
    test: all.filter((_, index) => aside[index] === 1),
    aside,
    notes: onlyTrained(classes, all),
  };
}

/** Names the classes of one row, which the test split lacks. */
function onlyTrained(classes: readonly string[], labels: Int32Array): string[] {
  const counts = new Uint32Array(classes.length);
  for (const label of labels) counts[label]++;
  const single = classes.filter((_, label) => counts[label] === 1);
  if (single.length === 0) return [];
  const names = single.slice(0, 10).map((name) => JSON.stringify(name));
  return [`${single.length} classes have a single row, which is in the training split: ${names.join(', ')}`];
}

/** Yields the rows of a split in the order of the survey, those of each chunk of the file together. */
export async function* rowsOfSplit<Row extends { label: string }>(
  split: 'train' | 'test',
  { train, test, classes }: SplitFiles,
  { aside }: Survey,
  read: Read<Row>,
  { signal }: DatasetContext,
): AsyncGenerator<Row[]> {
  const file = split === 'train' || test === undefined ? train : test;
  const isUsed = usedLabels({ classes });
  let index = 0;
  for await (const rows of read(file, () => {}, signal)) {
    const used = rows.filter(({ label }) => isUsed(label));
    yield used.filter(() => aside === undefined || (aside[index++] === 1) === (split === 'test'));
  }
}

function usedLabels({ classes }: Pick<SplitFiles, 'classes'>): (label: string) => boolean {
  if (classes === undefined) return () => true;
  const used = new Set(classNamesOf(classes));
  return (label) => used.has(label);
}

interface Labels {
  /** The label names in the order of their first row, with those that are not used. */
  names: string[];
  /** Of the rows that are used. */
  labels: Int32Array;
}

async function labelsOf(
  file: RowFile,
  read: Read<{ label: string }>,
  { signal }: DatasetContext,
  refuse: Refuse,
  isUsed: (label: string) => boolean,
): Promise<Labels> {
  const indices = new Map<string, number>();
  const losses = rowLosses(refuse);
  let labels = new Int32Array(1024);
  let count = 0;
  let unused = 0;
  for await (const rows of read(file, losses.note, signal)) {
    for (const { label } of rows) {
      const index = indices.get(label) ?? indices.size;
      if (index === indices.size) {
        if (index === maximumClasses) {
          throw new RangeError(`more than ${maximumClasses} different labels`);
        }
        indices.set(label, index);
      }
      if (!isUsed(label)) {
        unused++;
        continue;
      }
      if (count === labels.length) {
        const longer = new Int32Array(2 * count);
        longer.set(labels);
        labels = longer;
      }
      labels[count++] = index;
    }
  }
  losses.check(count + unused);
  return { names: [...indices.keys()], labels: labels.slice(0, count) };
}
