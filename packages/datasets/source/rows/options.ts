import { stat } from 'node:fs/promises';
import { DistilleryError } from '@distillery/spec';
import { z } from 'zod';
import { pathOption } from '../option-shapes.ts';
import { classOptions } from '../classes.ts';
import type { DatasetContext } from '../dataset.ts';
import { fileFingerprint } from '../decoded.ts';
import { heldOutOptions } from '../held-out.ts';
import { badPath, resolveSourcePath } from '../source-path.ts';
import { usualMissing } from './labels.ts';
import { NoColumn, type RowFile } from './row-file.ts';
import type { SplitFiles } from './survey.ts';
import { encodings } from './text-stream.ts';

/** One ASCII sign, or none. */
const sign = z.string().regex(/^[!-~]?$/, 'must be one ASCII sign, or empty');

/** The options of sources that read rows of files. */
export const rowOptions = {
  path: pathOption(
    'A CSV file, a tab-separated one named .tsv, a JSON Lines file named .jsonl, or a Parquet file, below a folder that the ' +
      'service may read; all but Parquet may be packed by gzip. The first row of a table names the columns.',
  ),
  testPath: pathOption(
    'A file of the same form for testing. Default: a part of the training file is held out.',
  ).optional(),
  ...heldOutOptions,
  encoding: z
    .enum(encodings)
    .default('utf-8')
    .describe(
      'The encoding of the files. UTF-16 that begins with a byte-order mark is recognised without this option.',
    ),
  delimiter: z
    .string()
    .min(1)
    .max(8)
    .regex(/^[^"\r\n]+$/, 'must not contain a double quote or a line end')
    .optional()
    .describe('What separates the fields. Default: a comma, and a tab in a file named .tsv or .tab.'),
  quote: sign
    .optional()
    .describe(
      'The sign around fields that contain delimiters or line ends; empty: no field is quoted. Default: the double quote, and ' +
        'none in a file named .tsv or .tab.',
    ),
  escape: sign
    .optional()
    .describe(
      String.raw`The sign before a quote within a quoted field, for example "\\". Default: only a doubled quote stands for a quote.`,
    ),
  header: z
    .boolean()
    .default(true)
    .describe('Whether the first row names the columns. Without it their names are their numbers, from "1".'),
  label: z
    .string()
    .min(1)
    .max(256)
    .default('label')
    .describe('The name of the column that holds the labels.'),
  missingLabels: z
    .array(z.string().max(256))
    .max(100)
    .default(usualMissing)
    .describe(
      'Labels that stand for a missing value. Their rows, like those with an empty label, are left out and counted.',
    ),
  ...classOptions,
};
const shape = z.object(rowOptions);
export type RowChoice = z.output<typeof shape>;

/** @throws DistilleryError `data_error` for a path that is no file below an allowed folder */
export async function rowFiles(choice: RowChoice, context: DatasetContext): Promise<SplitFiles> {
  const {
    encoding,
    delimiter,
    quote,
    escape,
    header,
    missingLabels,
    testFraction,
    testSeed,
    folds,
    classes,
  } = choice;
  const file = async (path: string, option: string): Promise<RowFile> => {
    const real = await resolveSourcePath(path, context, option);
    if (!(await stat(real)).isFile()) throw badPath(path, 'is not a file', context, { option });
    return { path: real, encoding, delimiter, quote, escape, header, missingLabels };
  };
  return {
    train: await file(choice.path, 'path'),
    test: choice.testPath === undefined ? undefined : await file(choice.testPath, 'testPath'),
    held: { testFraction, testSeed, folds },
    classes,
  };
}

/** The states of the files, which decide about their content. */
export function fingerprintsOf({ train, test }: SplitFiles) {
  const files = [train, ...(test === undefined ? [] : [test])];
  return Promise.all(files.map(({ path }) => fileFingerprint(path)));
}

/**
 * Runs a step over the files, and turns its errors into a `data_error` that names the path, or the option of a column.
 *
 * @param optionOf the path of the option that names a column
 */
export async function readingRows<T>(
  { path }: RowChoice,
  context: DatasetContext,
  optionOf: (column: string) => string,
  step: () => Promise<T>,
): Promise<T> {
  try {
    return await step();
  } catch (cause) {
    context.signal?.throwIfAborted();
    if (cause instanceof DistilleryError) throw cause;
    // Anything else is a fault of this program.
    if (!(cause instanceof RangeError) && (cause as NodeJS.ErrnoException).code === undefined) throw cause;
    const { message } = cause as Error;
    if (!(cause instanceof NoColumn)) throw badPath(path, message, context, { cause });
    const field = {
      path: `/dataset/${optionOf(cause.column)}`,
      value: cause.column,
      message,
      allowed: cause.header,
    };
    throw new DistilleryError('data_error', message, { cause, fields: [field] });
  }
}
