import type { DatasetContext } from '../dataset.ts';
import { splitValidation } from '../split.ts';
import { type Row, type RowFile, rowsOf } from './rows.ts';

const maximumClasses = 10_000;
/** The seed that chooses the test rows; it differs from the seed that chooses validation rows among the others. */
const testSeed = 1;

export interface TextFiles {
  train: RowFile;
  /** Absent when a part of the training file is held out for testing. */
  test: RowFile | undefined;
  testFraction: number;
}

/** The result of reading the files once. */
export interface Survey {
  classes: string[];
  /** Labels of the rows, in the order of the files, as indices into `classes`. */
  train: Int32Array;
  test: Int32Array;
  /** For each row of the training file whether it is held out for testing; undefined with a test file. */
  aside: Uint8Array | undefined;
}

type Refuse = (name: string, reason: string) => void;

/**
 * Reads the labels of all files.
 *
 * @throws RangeError when there are fewer than two classes, a class of the test file is not in the training file, or there
 *   are no test rows
 */
export async function surveyTexts(
  files: TextFiles,
  context: DatasetContext,
  refuse: Refuse,
): Promise<Survey> {
  const train = await labelsOf(files.train, context, refuse);
  const classes = [...train.names].sort();
  if (classes.length < 2) {
    const [only] = classes;
    throw new RangeError(
      only === undefined ? 'holds no labelled text' : `all texts have the label ${JSON.stringify(only)}`,
    );
  }
  const rank = new Map(classes.map((name, index) => [name, index]));
  const ranked = ({ names, labels }: Labels) => labels.map((label) => rank.get(names[label]) as number);
  const all = ranked(train);
  if (files.test !== undefined) {
    const test = await labelsOf(files.test, context, refuse);
    const unknown = test.names.filter((name) => !rank.has(name)).sort();
    if (unknown.length > 0) {
      throw new RangeError(
        `the test file has labels that are not in the training file: ${unknown.slice(0, 10).join(', ')}`,
      );
    }
    if (test.labels.length === 0) throw new RangeError('the test file holds no labelled text');
    return { classes, train: all, test: ranked(test), aside: undefined };
  }
  const { validation } = splitValidation(all.length, all, files.testFraction, testSeed);
  if (validation.length === 0)
    throw new RangeError(
      `the classes have too few texts to hold out a share of ${files.testFraction} for testing`,
    );
  const aside = new Uint8Array(all.length);
  for (const index of validation) aside[index] = 1;
  return {
    classes,
    train: all.filter((_, index) => aside[index] === 0),
    test: all.filter((_, index) => aside[index] === 1),
    aside,
  };
}

/** Yields the texts of a split in the order of the survey. */
export async function* textsOf(
  split: 'train' | 'test',
  { train, test }: TextFiles,
  { aside }: Survey,
  context: DatasetContext,
): AsyncGenerator<string> {
  const file = split === 'train' || test === undefined ? train : test;
  let index = 0;
  for await (const { text } of readable(file, context, () => {})) {
    const isTest = aside === undefined ? split === 'test' : aside[index++] === 1;
    if (isTest === (split === 'test')) yield text;
  }
}

interface Labels {
  /** The label names in the order of their first row. */
  names: string[];
  labels: Int32Array;
}

async function labelsOf(file: RowFile, context: DatasetContext, refuse: Refuse): Promise<Labels> {
  const indices = new Map<string, number>();
  let labels = new Int32Array(1024);
  let count = 0;
  for await (const { label } of readable(file, context, refuse)) {
    const index = indices.get(label) ?? indices.size;
    if (index === indices.size) {
      if (index === maximumClasses) {
        throw new RangeError(
          `more than ${maximumClasses} different labels in ${JSON.stringify(file.columns.label)}`,
        );
      }
      indices.set(label, index);
    }
    if (count === labels.length) {
      const longer = new Int32Array(2 * count);
      longer.set(labels);
      labels = longer;
    }
    labels[count++] = index;
  }
  return { names: [...indices.keys()], labels: labels.slice(0, count) };
}

function readable(file: RowFile, { signal }: DatasetContext, refuse: Refuse): AsyncGenerator<Row> {
  return rowsOf(file, refuse, signal);
}
