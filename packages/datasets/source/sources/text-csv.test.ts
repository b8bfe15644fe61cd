import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Dataset, DatasetContext } from '../dataset.ts';
import { allInputs } from '../testing/all-inputs.ts';
import { contextIn, errorOf, temporaryFolder, writeFiles } from '../testing/fixtures.ts';
import { syntheticTexts } from '../testing/synthetic-texts.ts';
import { textCsv } from './text-csv.ts';

const choose = (options: object) => textCsv.options.parse({ path: 'set.csv', length: 6, ...options });
const load = (context: DatasetContext, options: object = {}) => textCsv.load(choose(options), context);

async function withFiles(files: Record<string, string>): Promise<DatasetContext> {
  const context = await contextIn(await temporaryFolder());
  const bytes = Object.entries(files).map(([name, text]) => [name, Buffer.from(text)]);
  await writeFiles(context.roots[0], Object.fromEntries(bytes) as Record<string, Buffer>);
  return context;
}

const train = 'text,label\n"good, good film",pos\nbad film,neg\n"a ""good"" one",pos\n';
const held = 'label,more,text\nneg,x,a bad one\npos,y,unheard of\n';
const two = { 'set.csv': train, 'test.csv': held };
const ids = async (split: Dataset['train']) => [...new Uint16Array((await allInputs(split)).buffer)];
/** The six ids and the label of each text. */
const texts = async (split: Dataset['train']) => {
  const all = await ids(split);
  return Array.from(split.labels, (label, i) => `${all.slice(6 * i, 6 * i + 6)} ${label}`);
};

test('reads two files, and learns words from the training file alone', async () => {
  const context = await withFiles(two);
  const set = await load(context, { testPath: 'test.csv' });
  expect(set).toMatchObject({
    classes: ['neg', 'pos'],
    shape: [6],
    vocabulary: 10_000,
    // 'good' 3 times, '"' and 'film' twice; then once each, by name.
    tokenizer: { type: 'word', words: ['good', '"', 'film', ',', 'a', 'bad', 'one'] },
    skipped: { count: 0, first: [] },
  });
  expect([...set.train.labels, ...set.test.labels]).toEqual([1, 0, 1, 0, 1]);
  expect(await ids(set.train)).toEqual([2, 5, 2, 4, 0, 0, 7, 4, 0, 0, 0, 0, 6, 3, 2, 3, 8, 0]);
  expect(await ids(set.test)).toEqual([6, 7, 8, 0, 0, 0, 1, 1, 0, 0, 0, 0]);
  // The second load reads the decoded copy.
  expect(await load(context, { testPath: 'test.csv' })).toEqual(set);
});

test('tab-separated files, other columns, and byte pairs', async () => {
  const context = await withFiles({
    'set.tsv': 'Sentence\tMood\r\nso "fine\t1\r\nso dull\t0\r\nso so\t0\r\nfine\t1\r\n',
  });
  const options = { path: 'set.tsv', text: 'Sentence', label: 'Mood', testFraction: 0.5, length: 20 };
  const set = await load(context, { ...options, tokenizer: { type: 'byte_pair', vocabulary: 257 } });
  expect(set).toMatchObject({ classes: ['0', '1'], tokenizer: { type: 'byte_pair', merges: [] } });
  expect([set.train.count, set.test.count]).toEqual([2, 2]);
  const texts = [await ids(set.train), await ids(set.test)].flatMap((all) => [
    all.slice(0, 20),
    all.slice(20),
  ]);
  const decoded = texts.map((text) =>
    Buffer.from(text.filter((id) => id > 0).map((id) => id - 1)).toString(),
  );
  expect(decoded.sort()).toEqual(['fine', 'so "fine', 'so dull', 'so so']);
});

test('a part of each class is held out for testing, always the same', async () => {
  const context = await withFiles({ 'set.csv': syntheticTexts(60) });
  const set = await load(context, { testFraction: 0.2 });
  expect([set.train.count, set.test.count]).toEqual([48, 12]);
  expect([0, 1, 2].map((label) => set.test.labels.filter((l) => l === label).length)).toEqual([4, 4, 4]);
  const outline = { classes: ['forest', 'kitchen', 'sea'], shape: [6], vocabulary: 10_000 };
  const counts = { trainCount: 48, testCount: 12 };
  // From the decoded copy, and from the file.
  expect(await textCsv.outline(choose({ testFraction: 0.2 }), context)).toEqual({ ...outline, ...counts });
  expect(await textCsv.outline(choose({ testFraction: 0.1 }), context)).toMatchObject({
    trainCount: 54,
    testCount: 6,
  });
  const limits = { testFraction: 0.2, trainLimit: 9 };
  expect(await textCsv.outline(choose(limits), context)).toMatchObject({ trainCount: 9, testCount: 12 });
  const part = await load(context, limits);
  expect(part.train.count).toBe(9);
  const whole = new Set(await texts(set.train));
  for (const text of await texts(part.train)) expect(whole).toContain(text);
  expect(part.tokenizer).toEqual(set.tokenizer);
});

test('the digest changes with a text, label, length or vocabulary', async () => {
  const context = await withFiles({ 'set.csv': syntheticTexts(60), 'other.csv': syntheticTexts(60, 1) });
  const choices = [
    {},
    { path: 'other.csv' },
    { length: 7 },
    { tokenizer: { type: 'word', vocabulary: 20 } },
    { tokenizer: { type: 'byte_pair' } },
  ];
  const digests = await Promise.all(choices.map(async (options) => (await load(context, options)).digest));
  expect(new Set(digests).size).toBe(choices.length);
  // The vocabulary is part of the data set, even where no input changes with it.
  const many = await load(context, { length: 1 });
  const few = await load(context, { length: 1, tokenizer: { type: 'word', vocabulary: 60 } });
  expect(few.digest).not.toBe(many.digest);
  expect((await load(await withFiles({ 'set.csv': syntheticTexts(60) }))).digest).toBe(digests[0]);
});

test('rows that are not labelled texts are counted and named; the others keep their order', async () => {
  const bad = 'only one field\n,neg\nno label,\n1,2,3\n';
  const context = await withFiles({ 'set.csv': `\ufeff${train}${bad}last,neg\n`, 'test.csv': held });
  const set = await load(context, { testPath: 'test.csv' });
  expect([...set.train.labels]).toEqual([1, 0, 1, 0]);
  expect(set.skipped).toEqual({
    count: 4,
    first: [
      { name: 'set.csv, line 5', reason: 'has 1 fields, but the header has 2' },
      { name: 'set.csv, line 6', reason: 'the text is empty' },
      { name: 'set.csv, line 7', reason: 'the label is empty' },
      { name: 'set.csv, line 8', reason: 'has 3 fields, but the header has 2' },
    ],
  });
  const long = await withFiles({ 'set.csv': `${train}${'m'.repeat(1 << 21)},neg\n`, 'test.csv': held });
  const { skipped, train: rest } = await load(long, { testPath: 'test.csv' });
  expect(skipped.first[0]).toMatchObject({
    name: 'set.csv, line 5',
    reason: /longer than 1048576 characters/,
  });
  expect(rest.count).toBe(3);
});

test('a file that is not a table of texts is a data_error, and does not fill the memory', async () => {
  const line = await withFiles({ 'set.csv': `${train}${'m'.repeat(40 << 20)}`, 'test.csv': held });
  expect((await load(line, { testPath: 'test.csv' })).skipped.count).toBeGreaterThan(0);
  const columns = await withFiles({ 'set.csv': `${'a,'.repeat(400_000)}\n1,2\n` });
  const wide = await errorOf(load(columns));
  expect(wide).toMatchObject({ code: 'data_error', message: 'set.csv has no column "text"' });
  expect(wide.fields?.[0].allowed).toHaveLength(100);
  const context = await withFiles({ 'test.csv': held });
  const bytes = Buffer.concat([
    Buffer.from(train),
    Buffer.from([0xff, 0xfe, 0, 0xc3, 0x28]),
    Buffer.from(',neg\n'),
  ]);
  await writeFiles(context.roots[0], { 'set.csv': bytes, 'packed.csv': gzipSync(bytes) });
  expect((await load(context, { testPath: 'test.csv' })).train.count).toBe(4);
  expect(await errorOf(load(context, { path: 'packed.csv' }))).toMatchObject({ code: 'data_error' });
});

test('at most a hundred names of bad rows are kept', async () => {
  const context = await withFiles({ ...two, 'set.csv': train + 'bad\n'.repeat(150) });
  const { skipped } = await load(context, { testPath: 'test.csv' });
  expect([skipped.count, skipped.first.length]).toEqual([150, 100]);
});

describe('a file that cannot be trained on is a data_error that names the field', () => {
  test.each<[string, Record<string, string>, object, object]>([
    [
      'no such column',
      two,
      { text: 'review' },
      { path: '/dataset/text', value: 'review', allowed: ['text', 'label'] },
    ],
    ['no such label', two, { label: 'mood' }, { path: '/dataset/label', value: 'mood' }],
    [
      'an empty file',
      { 'set.csv': '' },
      {},
      { path: '/dataset/path', message: /first row must name the columns/ },
    ],
    ['a header alone', { 'set.csv': 'text,label\n' }, {}, { message: /holds no labelled text/ }],
    ['one class', { 'set.csv': 'text,label\na,x\nb,x\n' }, {}, { message: /all texts have the label "x"/ }],
    [
      'too few to test',
      { 'set.csv': 'text,label\na,x\nb,y\n' },
      {},
      { message: /the classes have too few texts/ },
    ],
    [
      'a new class',
      { ...two, 'test.csv': 'text,label\na,new\n' },
      { testPath: 'test.csv' },
      { message: /labels that are not in the training file: new/ },
    ],
    ['no test file', two, { testPath: 'none.csv' }, { path: '/dataset/testPath', message: 'does not exist' }],
    ['a folder', two, { path: '.' }, { path: '/dataset/path', message: 'is not a file' }],
    [
      'a path outside',
      two,
      { path: '/etc/passwd' },
      { path: '/dataset/path', message: 'is not under an allowed folder' },
    ],
  ])('%s', async (_name, files, options, field) => {
    const error = await errorOf(load(await withFiles(files), options));
    expect(error.code).toBe('data_error');
    const { message, ...exact } = field as { message?: string | RegExp };
    expect(error.fields).toMatchObject([exact]);
    if (message !== undefined) expect(error.fields?.[0].message).toMatch(message);
  });
});

test('more bytes than the limit are refused before they are allocated', async () => {
  const context = await withFiles({ 'set.csv': `text,label\n${'a,x\nb,y\n'.repeat(140_000)}` });
  const error = await errorOf(load(context, { length: 4096 }));
  expect(error).toMatchObject({ code: 'data_error', message: expect.stringMatching(/smaller "length"/) });
});

test('a changed file is read again', async () => {
  const context = await withFiles(two);
  const before = await load(context, { testPath: 'test.csv' });
  await writeFile(join(context.roots[0], 'set.csv'), `${train}new,neg\n`);
  expect((await load(context, { testPath: 'test.csv' })).digest).not.toBe(before.digest);
});

test('a cancelled load throws the reason of the signal', async () => {
  const files = await withFiles({ 'set.csv': syntheticTexts(3000) });
  const context = { ...files, signal: AbortSignal.abort(new Error('cancelled')) };
  expect((await errorOf(load(context))).message).toBe('cancelled');
});
