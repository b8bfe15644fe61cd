import { z } from 'zod';
import { columnOption } from '../option-shapes.ts';
import { type About, type DatasetContext, type DatasetKind, inputBytes } from '../dataset.ts';
import { classKey } from '../classes.ts';
import { decodedOnce, keptOutline } from '../decoded.ts';
import { outlinedOnce } from '../outlined-once.ts';
import { limited, limitedOutline, limitOptions } from '../limits.ts';
import { fingerprintsOf, readingRows, rowFiles, rowOptions } from '../rows/options.ts';
import { rowsOfSplit, type SplitFiles, type Survey, surveyRows } from '../rows/survey.ts';
import { badPath } from '../source-path.ts';
import type { SplitWriter } from '../split-draft.ts';
import { labelledTexts } from '../texts/labelled-texts.ts';
import { prepareTokenizer, textEncoder, tokenizerOptions } from '../texts/tokenizer.ts';

const maximumSkippedNames = 100;
const progressStep = 100_000;
/** Part of the fingerprint: raise it when the same file gives other ids than before. */
const revision = 2;
/** The most bytes of ids that are written to disk. */
const maximumBytes = 16 * 2 ** 30;

const options = z.strictObject({
  ...rowOptions,
  text: columnOption('the texts').default('text'),
  pair: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe(
      'The name of the column that holds the second text of pairs, such as the hypothesis to a premise. A pair is read as one text, with a separator between its parts.',
    ),
  tokenizer: tokenizerOptions
    .prefault({ type: 'word' })
    .describe(
      'The tokenizer that turns texts into ids: learned from the training texts alone, or read from a file.',
    ),
  length: z
    .int()
    .min(1)
    .max(4096)
    .default(128)
    .describe(
      'The length of every text in tokens: longer texts are cut off, shorter ones padded with id 0. Of a pair, the longer text loses tokens first.',
    ),
  ...limitOptions,
});
type Options = z.output<typeof options>;

export const textCsv: DatasetKind<typeof options> = {
  type: 'text_csv',
  summary:
    'Labelled texts in CSV, TSV or JSON Lines files, as ids of words, byte pairs or a tokenizer of your own.',
  options,
  async outline(choice, context) {
    const { files, tokenizer, fingerprint } = await open(choice, context);
    const kept = await keptOutline(fingerprint, context);
    if (kept !== undefined) return limitedOutline(kept, choice);
    const shaped = { shape: [choice.length], vocabulary: tokenizer.vocabulary };
    // An error names the path as the spec does.
    const outline = await outlinedOnce([fingerprint, choice.path], async () => {
      const { classes, train, test } = await survey(files, choice, context, () => {});
      return { classes, ...shaped, trainCount: train.length, testCount: test.length };
    });
    return limitedOutline(outline, choice);
  },
  async load(choice, context) {
    const opened = await open(choice, context);
    const decoded = await decodedOnce(opened.fingerprint, context, (writers) =>
      decode(opened, choice, context, writers),
    );
    return limited(decoded, choice);
  },
};

/** Opens the files of the texts and of the tokenizer. The fingerprint is all that the data depend on. */
async function open(choice: Options, context: DatasetContext) {
  const {
    path: _path,
    testPath: _testPath,
    trainLimit: _train,
    testLimit: _test,
    classes,
    ...chosen
  } = choice;
  const rest = { ...chosen, ...classKey(classes) };
  const files = await rowFiles(choice, context);
  const tokenizer = await prepareTokenizer(choice.tokenizer, choice, context);
  const states = { files: await fingerprintsOf(files), tokenizer: tokenizer.state };
  return { files, tokenizer, fingerprint: { source: 'text_csv', revision, ...rest, ...states } };
}

/** @throws DistilleryError `data_error` that names the path, or the column */
function survey(
  files: SplitFiles,
  choice: Options,
  context: DatasetContext,
  refuse: (name: string, reason: string) => void,
): Promise<Survey> {
  const { length } = choice;
  const options = { [choice.label]: 'label', [choice.pair ?? '']: 'pair', [choice.text]: 'text' };
  const optionOf = (column: string) => options[column] ?? 'label';
  return readingRows(choice, context, optionOf, async () => {
    const found = await surveyRows(files, labelledTexts(choice), context, refuse);
    const bytes = (found.train.length + found.test.length) * inputBytes({ shape: [length], vocabulary: 1 });
    if (bytes > maximumBytes) {
      throw new RangeError(
        `would decode to ${bytes} bytes at ${length} tokens a text, more than ${maximumBytes}; choose a smaller "length"`,
      );
    }
    return found;
  });
}

async function decode(
  { files, tokenizer: prepared }: Awaited<ReturnType<typeof open>>,
  choice: Options,
  context: DatasetContext,
  writers: { train: SplitWriter; test: SplitWriter },
): Promise<About> {
  const skipped: { count: number; first: { name: string; reason: string }[] } = { count: 0, first: [] };
  const found = await survey(files, choice, context, (name, reason) => {
    if (skipped.count++ < maximumSkippedNames) skipped.first.push({ name, reason });
  });
  const textsOf = (split: 'train' | 'test') =>
    rowsOfSplit(split, files, found, labelledTexts(choice), context);
  const tokenizer = await prepared.learn(textsOf('train'), context.signal);
  const encode = textEncoder(tokenizer);
  let cut = 0;
  const fill = async (split: 'train' | 'test'): Promise<void> => {
    const labels = found[split];
    const ids = new Uint16Array(choice.length);
    const input = new Uint8Array(ids.buffer);
    let index = 0;
    for await (const texts of textsOf(split)) {
      // The file has grown since the survey: rows past its count have no label.
      for (const { text, second } of texts.slice(0, labels.length - index)) {
        if (encode(text, ids.fill(0), second)) cut++;
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
    vocabulary: prepared.vocabulary,
    tokenizer,
    skipped,
    notes: [...found.notes, ...cutOff(cut, found, choice.length)],
  };
}

function cutOff(cut: number, { train, test }: Survey, length: number): string[] {
  if (cut === 0) return [];
  return [`${cut} of ${train.length + test.length} texts are longer than ${length} tokens and were cut off`];
}
