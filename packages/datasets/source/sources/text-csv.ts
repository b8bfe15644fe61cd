import { stat } from 'node:fs/promises';
import { DistilleryError } from '@distillery/spec';
import { z } from 'zod';
import { type About, type DatasetContext, type DatasetKind, inputBytes } from '../dataset.ts';
import { decodedOnce, fileFingerprint, readManifest } from '../decoded.ts';
import { outlinedOnce } from '../outlined-once.ts';
import { limited, limitedOutline, limitOptions } from '../limits.ts';
import { badPath, resolveSourcePath } from '../source-path.ts';
import type { SplitWriter } from '../split-draft.ts';
import { pieceCounter } from '../texts/counts.ts';
import { NoColumn, type RowFile } from '../texts/rows.ts';
import { type Survey, surveyTexts, type TextFiles, textsOf } from '../texts/survey.ts';
import { encodings } from '../texts/text-stream.ts';
import { textEncoder, tokenizerKind, tokenizerOptions } from '../texts/tokenizer.ts';

const maximumSkippedNames = 100;
const progressStep = 100_000;
/** Part of the fingerprint: raise it when the same file gives other ids than before. */
const revision = 2;
/** The most bytes of ids that are written to disk. */
const maximumBytes = 16 * 2 ** 30;
/** Labels that stand for a missing value, as other programs write them. */
const missingLabels = 'nan NaN NAN None null NULL Null NA N/A n/a <NA> #N/A'.split(' ');

/** One ASCII sign, or none. */
const sign = z.string().regex(/^[!-~]?$/, 'must be one ASCII sign, or empty');

const options = z.strictObject({
  path: z
    .string()
    .min(1)
    .max(4096)
    .describe(
      'A CSV file, a tab-separated one named .tsv, or a JSON Lines file named .jsonl, below a folder that the service may read; ' +
        'each may be packed by gzip. The first row of a table names the columns.',
    ),
  testPath: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .describe('A file of the same form for testing. Default: a part of the training file is held out.'),
  testFraction: z
    .number()
    .gt(0)
    .max(0.5)
    .default(0.1)
    .describe('The share of each class that is held out for testing without `testPath`.'),
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
      String.raw`The sign before a quote within a quoted field, for example "\". Default: only a doubled quote stands for a quote.`,
    ),
  header: z
    .boolean()
    .default(true)
    .describe('Whether the first row names the columns. Without it their names are their numbers, from "1".'),
  missingLabels: z
    .array(z.string().max(256))
    .max(100)
    .default(missingLabels)
    .describe(
      'Labels that stand for a missing value. Their rows, like those with an empty label, are left out and counted.',
    ),
  text: z.string().min(1).max(256).default('text').describe('The name of the column that holds the texts.'),
  label: z
    .string()
    .min(1)
    .max(256)
    .default('label')
    .describe('The name of the column that holds the labels.'),
  tokenizer: tokenizerOptions
    .prefault({ type: 'word' })
    .describe('The tokenizer that turns texts into ids. It is learned from the training texts alone.'),
  length: z
    .int()
    .min(1)
    .max(4096)
    .default(128)
    .describe('The length of every text in tokens: longer texts are cut off, shorter ones padded with id 0.'),
  ...limitOptions,
});
type Options = z.output<typeof options>;

export const textCsv: DatasetKind<typeof options> = {
  type: 'text_csv',
  summary: 'Labelled texts in CSV, TSV or JSON Lines files, as ids of words or byte pairs.',
  options,
  async outline(choice, context) {
    const files = await filesOf(choice, context);
    const fingerprint = await fingerprintOf(files, choice);
    const kept = await readManifest(fingerprint, context);
    const shaped = { shape: [choice.length], vocabulary: choice.tokenizer.vocabulary };
    if (kept !== undefined) {
      const { classes, trainCount, testCount } = kept;
      return limitedOutline({ classes, ...shaped, trainCount, testCount }, choice);
    }
    // An error names the path as the spec does.
    const outline = await outlinedOnce([fingerprint, choice.path], async () => {
      const { classes, train, test } = await survey(files, choice, context, () => {});
      return { classes, ...shaped, trainCount: train.length, testCount: test.length };
    });
    return limitedOutline(outline, choice);
  },
  async load(choice, context) {
    const files = await filesOf(choice, context);
    const fingerprint = await fingerprintOf(files, choice);
    const decoded = await decodedOnce(fingerprint, context, (writers) =>
      decode(files, choice, context, writers),
    );
    return limited(decoded, choice);
  },
};

async function filesOf(choice: Options, context: DatasetContext): Promise<TextFiles> {
  const { encoding, delimiter, quote, escape, header, missingLabels: missing } = choice;
  const columns = { text: choice.text, label: choice.label };
  const format = { encoding, delimiter, quote, escape, header, missingLabels: missing, columns };
  const file = async (path: string, option: string): Promise<RowFile> => {
    const real = await resolveSourcePath(path, context, option);
    if (!(await stat(real)).isFile()) throw badPath(path, 'is not a file', context, { option });
    return { path: real, ...format };
  };
  return {
    train: await file(choice.path, 'path'),
    test: choice.testPath === undefined ? undefined : await file(choice.testPath, 'testPath'),
    testFraction: choice.testFraction,
  };
}

async function fingerprintOf({ train, test }: TextFiles, choice: Options): Promise<unknown> {
  const { path: _path, testPath: _testPath, trainLimit: _train, testLimit: _test, ...rest } = choice;
  const files = [train, ...(test === undefined ? [] : [test])];
  const states = await Promise.all(files.map(({ path }) => fileFingerprint(path)));
  return { source: 'text_csv', revision, files: states, ...rest };
}

/** @throws DistilleryError `data_error` that names the path, or the column */
async function survey(
  files: TextFiles,
  { path, length, tokenizer }: Options,
  context: DatasetContext,
  refuse: (name: string, reason: string) => void,
): Promise<Survey> {
  try {
    const found = await surveyTexts(files, context, refuse);
    const bytes = (found.train.length + found.test.length) * inputBytes({ shape: [length], ...tokenizer });
    if (bytes > maximumBytes) {
      throw new RangeError(
        `would decode to ${bytes} bytes at ${length} tokens a text, more than ${maximumBytes}; choose a smaller "length"`,
      );
    }
    return found;
  } catch (cause) {
    context.signal?.throwIfAborted();
    if (cause instanceof NoColumn) {
      const { column, header, message } = cause;
      const field = {
        path: `/dataset/${column}`,
        value: files.train.columns[column],
        message,
        allowed: header,
      };
      throw new DistilleryError('data_error', message, { cause, fields: [field] });
    }
    throw badPath(path, (cause as Error).message, context, { cause });
  }
}

async function decode(
  files: TextFiles,
  choice: Options,
  context: DatasetContext,
  writers: { train: SplitWriter; test: SplitWriter },
): Promise<About> {
  const skipped: { count: number; first: { name: string; reason: string }[] } = { count: 0, first: [] };
  const found = await survey(files, choice, context, (name, reason) => {
    if (skipped.count++ < maximumSkippedNames) skipped.first.push({ name, reason });
  });
  const kind = tokenizerKind(choice.tokenizer);
  const counter = pieceCounter();
  for await (const texts of textsOf('train', files, found, context)) {
    for (const text of texts) counter.add(kind.pieces(text, choice.tokenizer));
  }
  const tokenizer = await kind.learn(counter.counts, choice.tokenizer, context.signal);
  const encode = textEncoder(tokenizer);
  let cut = 0;
  const fill = async (split: 'train' | 'test'): Promise<void> => {
    const labels = found[split];
    const ids = new Uint16Array(choice.length);
    const input = new Uint8Array(ids.buffer);
    let index = 0;
    for await (const texts of textsOf(split, files, found, context)) {
      // The file has grown since the survey: rows past its count have no label.
      for (const text of texts.slice(0, labels.length - index)) {
        if (encode(text, ids.fill(0))) cut++;
        writers[split].put(index, labels[index], input);
        if (++index % progressStep === 0) context.progress?.(`encoded ${index} of ${labels.length} texts`);
      }
    }
    if (index < labels.length) {
      throw badPath(choice.path, 'changed while it was read', context);
    }
  };
  await fill('train');
  await fill('test');
  return {
    classes: found.classes,
    shape: [choice.length],
    vocabulary: choice.tokenizer.vocabulary,
    tokenizer,
    skipped,
    notes: [...found.notes, ...cutOff(cut, found, choice.length)],
  };
}

function cutOff(cut: number, { train, test }: Survey, length: number): string[] {
  if (cut === 0) return [];
  return [`${cut} of ${train.length + test.length} texts are longer than ${length} tokens and were cut off`];
}
