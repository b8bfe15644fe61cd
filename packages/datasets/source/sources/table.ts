import { z } from 'zod';
import { type About, type DatasetContext, type DatasetKind, inputBytes } from '../dataset.ts';
import { classKey } from '../classes.ts';
import { decodedOnce, keptOutline } from '../decoded.ts';
import { limited, limitedOutline, limitOptions } from '../limits.ts';
import { outlinedOnce } from '../outlined-once.ts';
import { usualMissing } from '../rows/labels.ts';
import { fingerprintsOf, readingRows, rowFiles, rowOptions } from '../rows/options.ts';
import { rowsOfSplit, type SplitFiles, type Survey, surveyRows } from '../rows/survey.ts';
import { badPath } from '../source-path.ts';
import type { SplitWriter } from '../split-draft.ts';
import { columnStatistics } from '../tables/column-statistics.ts';
import { numericRows } from '../tables/numeric-rows.ts';

const maximumSkippedNames = 100;
/** Part of the fingerprint: raise it when the same file gives other numbers than before. */
const revision = 1;
/** The most bytes of numbers that are written to disk. */
const maximumBytes = 64 * 2 ** 30;

const options = z.strictObject({
  ...rowOptions,
  columns: z
    .array(z.string().min(1).max(256))
    .min(1)
    .max(10_000)
    .optional()
    .describe(
      'The names of the columns of numbers, in the order of the inputs. Default: all but that of the label.',
    ),
  missing: z
    .array(z.string().max(256))
    .max(100)
    .default([...usualMissing, '?'])
    .describe(
      'What stands for a missing number, besides nothing. The mean of the training rows takes its place.',
    ),
  ...limitOptions,
});
type Options = z.output<typeof options>;

export const table: DatasetKind<typeof options> = {
  type: 'table',
  summary:
    'Rows of numbers with a label in CSV, TSV or JSON Lines files, standardised column by column; for `mlp`.',
  options,
  async outline(choice, context) {
    const files = await rowFiles(choice, context);
    const fingerprint = await fingerprintOf(files, choice);
    const kept = await keptOutline(fingerprint, context);
    if (kept !== undefined) return limitedOutline(kept, choice);
    const outline = await outlinedOnce([fingerprint, choice.path], async () => {
      const { classes, train, test, names } = await survey(files, choice, context, () => {});
      return { classes, shape: [names.length], trainCount: train.length, testCount: test.length };
    });
    return limitedOutline(outline, choice);
  },
  async load(choice, context) {
    const files = await rowFiles(choice, context);
    const decoded = await decodedOnce(await fingerprintOf(files, choice), context, (writers) =>
      reading(choice, context, () => decode(files, choice, context, writers)),
    );
    return limited(decoded, choice);
  },
};

async function fingerprintOf(files: SplitFiles, choice: Options): Promise<unknown> {
  const { path: _path, testPath: _testPath, trainLimit: _train, testLimit: _test, classes, ...rest } = choice;
  return { source: 'table', revision, files: await fingerprintsOf(files), ...rest, ...classKey(classes) };
}

function reading<T>(choice: Options, context: DatasetContext, step: () => Promise<T>): Promise<T> {
  const optionOf = (column: string) => (choice.columns?.includes(column) ? 'columns' : 'label');
  return readingRows(choice, context, optionOf, step);
}

/** @throws DistilleryError `data_error` that names the path, or the option of a column */
function survey(
  files: SplitFiles,
  choice: Options,
  context: DatasetContext,
  refuse: (name: string, reason: string) => void,
): Promise<Survey & { names: readonly string[] }> {
  return reading(choice, context, async () => {
    let names: readonly string[] | undefined;
    // The test file has the columns of the training file.
    const first = (columns: readonly string[]) => {
      names ??= columns;
      if (columns.join('\n') !== names.join('\n'))
        throw new RangeError(
          'the test file has other columns than the training file, or another order of them; set "columns"',
        );
    };
    const found = await surveyRows(files, numericRows(choice, first), context, refuse);
    const shape = [names?.length ?? 0];
    const bytes = (found.train.length + found.test.length) * inputBytes({ shape });
    if (bytes > maximumBytes)
      throw new RangeError(`would decode to ${bytes} bytes, more than ${maximumBytes}`);
    return { ...found, names: names ?? [] };
  });
}

async function decode(
  files: SplitFiles,
  choice: Options,
  context: DatasetContext,
  writers: { train: SplitWriter; test: SplitWriter },
): Promise<About> {
  const skipped: { count: number; first: { name: string; reason: string }[] } = { count: 0, first: [] };
  const { names, ...found } = await survey(files, choice, context, (name, reason) => {
    if (skipped.count++ < maximumSkippedNames) skipped.first.push({ name, reason });
  });
  const rowsOf = (split: 'train' | 'test') => rowsOfSplit(split, files, found, numericRows(choice), context);
  const statistics = columnStatistics(names);
  for await (const rows of rowsOf('train')) for (const { values } of rows) statistics.add(values);
  const columns = statistics.columns();
  const missing = new Map<string, number>();
  for (const split of ['train', 'test'] as const) {
    const labels = found[split];
    const numbers = new Float32Array(names.length);
    const input = new Uint8Array(numbers.buffer);
    let index = 0;
    for await (const rows of rowsOf(split)) {
      // The file has grown since the survey: rows past its count have no label.
      for (const { values } of rows.slice(0, labels.length - index)) {
        for (const [place, { name, mean, std }] of columns.entries()) {
          if (Number.isNaN(values[place])) missing.set(name, (missing.get(name) ?? 0) + 1);
          numbers[place] = Number.isNaN(values[place]) ? 0 : (values[place] - mean) / std;
        }
        writers[split].put(index, labels[index], input);
        index++;
      }
    }
    if (index < labels.length) throw badPath(choice.path, 'changed while it was read', context);
  }
  return {
    classes: found.classes,
    shape: [names.length],
    columns,
    skipped,
    notes: [...found.notes, ...missingNumbers(missing)],
  };
}

function missingNumbers(missing: ReadonlyMap<string, number>): string[] {
  if (missing.size === 0) return [];
  const all = [...missing].sort(([, a], [, b]) => b - a);
  const named = all.slice(0, 10).map(([name, count]) => `${count} in ${JSON.stringify(name)}`);
  const more = all.length > 10 ? ` and in ${all.length - 10} more columns` : '';
  return [`missing numbers are replaced by the mean of the training rows: ${named.join(', ')}${more}`];
}
