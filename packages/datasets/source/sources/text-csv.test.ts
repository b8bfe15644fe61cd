import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Dataset, DatasetContext } from '../dataset.ts';
import { allInputs } from '../testing/all-inputs.ts';
import { contextIn, errorOf, temporaryFolder, writeFiles } from '../testing/fixtures.ts';
import { syntheticTexts } from '../testing/synthetic-texts.ts';
import { textDecoder } from '../texts/tokenizer.ts';
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
      { name: 'set.csv, line 5', reason: 'has 1 fields, but the first row has 2' },
      { name: 'set.csv, line 6', reason: 'the text is empty' },
      { name: 'set.csv, line 7', reason: 'the label is empty' },
      { name: 'set.csv, line 8', reason: 'has 3 fields, but the first row has 2' },
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
  await writeFiles(context.roots[0], { 'set.csv': bytes, 'packed.csv': gzipSync(bytes).subarray(0, 60) });
  expect(await errorOf(load(context, { testPath: 'test.csv' }))).toMatchObject({
    message:
      'set.csv: 1 of 4 rows are in another encoding: set.csv, line 5 (is not in the encoding utf-8); set "encoding", for example to "windows-1252"',
  });
  expect(await errorOf(load(context, { path: 'packed.csv' }))).toMatchObject({
    code: 'data_error',
    message: 'packed.csv: the gzip data is damaged: unexpected end of file',
  });
});

test('at most a hundred names of bad rows are kept', async () => {
  const context = await withFiles({
    ...two,
    'set.csv': train.repeat(60).replaceAll('\ntext,label', '') + 'bad\n'.repeat(150),
  });
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
    ['a header alone', { 'set.csv': 'text,label\n' }, {}, { message: /holds no labelled row/ }],
    ['one class', { 'set.csv': 'text,label\na,x\nb,x\n' }, {}, { message: /all rows have the label "x"/ }],
    [
      'too few to test',
      { 'set.csv': 'text,label\na,x\nb,y\n' },
      {},
      { message: /the classes have too few rows/ },
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
  const context = await withFiles({ 'set.csv': `text,label\n${'a,x\nb,y\n'.repeat(1_100_000)}` });
  const error = await errorOf(load(context, { length: 4096 }));
  expect(error).toMatchObject({ code: 'data_error', message: expect.stringMatching(/smaller "length"/) });
});

test.each(['word', 'byte_pair'])(
  'pairs of texts are one text with a separator, of %s tokens',
  async (type) => {
    const content =
      'premise,hypothesis,label\none two,two,yes\nthree one two one two,one,no\none,two,yes\n,two,no\ntwo,one,no\n';
    const context = await withFiles({ 'set.csv': content });
    const vocabulary = 300;
    const set = await load(context, {
      text: 'premise',
      pair: 'hypothesis',
      length: 16,
      testFraction: 0.5,
      tokenizer: { type, vocabulary },
    });
    expect(set).toMatchObject({ vocabulary: vocabulary + 1, tokenizer: { type, separator: vocabulary } });
    expect(set.skipped).toMatchObject({ count: 1, first: [{ reason: 'the text is empty' }] });
    const found = (await words(set)).map((text) => text.replace('�', 'one').replaceAll('�', 'two'));
    expect(found.filter((text) => text.endsWith(' | two') || text.endsWith(' | one'))).toHaveLength(4);
    const separators = [...(await ids(set.train)), ...(await ids(set.test))].filter(
      (id) => id === vocabulary,
    );
    expect(separators).toHaveLength(4);
  },
);

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

/** The texts of both splits, each behind its class, in the order of the words. */
async function words(set: Dataset): Promise<string[]> {
  const decode = textDecoder(set.tokenizer!);
  const all = [set.train, set.test].map(async (split) => {
    const tokens = await ids(split);
    const length = set.shape[0];
    return Array.from(
      split.labels,
      (label, i) =>
        `${set.classes[label]}: ${decode(Uint16Array.from(tokens.slice(i * length, (i + 1) * length)))}`,
    );
  });
  return (await Promise.all(all)).flat().sort();
}

const lines = (...rows: string[]) => rows.map((row) => `${row}\n`).join('');
const four = ['neg: four', 'neg: two', 'pos: one', 'pos: three'];

describe('files of other forms', () => {
  test.each<[string, string, string | Buffer, object]>([
    [
      'JSON Lines',
      'set.jsonl',
      lines(
        '{"text":"one","label":"pos"}',
        '{"label":"neg","text":"two","more":[1]}',
        '',
        ...['three', 'four'].map((text, i) => JSON.stringify({ text, label: i === 0 ? 'pos' : 'neg' })),
      ),
      {},
    ],
    ['gzip', 'set.csv.gz', gzipSync('text,label\none,pos\ntwo,neg\nthree,pos\nfour,neg\n'), {}],
    [
      'gzip of a TSV file',
      'set.tsv.gz',
      gzipSync('text\tlabel\none\tpos\ntwo\tneg\nthree\tpos\nfour\tneg\n'),
      {},
    ],
    [
      'no header',
      'set.csv',
      lines('pos,one', 'neg,two', 'pos,three', 'neg,four'),
      { header: false, text: '2', label: '1' },
    ],
    [
      'semicolons',
      'set.csv',
      lines('text;label', 'one;pos', 'two;neg', 'three;pos', 'four;neg'),
      { delimiter: ';' },
    ],
    [
      'other quotes',
      'set.csv',
      lines('text,label', "'one',pos", "'two',neg", "'three',pos", "'four',neg"),
      { quote: "'" },
    ],
    [
      'UTF-16',
      'set.csv',
      Buffer.from(`\ufeff${lines('text,label', 'one,pos', 'two,neg', 'three,pos', 'four,neg')}`, 'utf16le'),
      {},
    ],
  ])('%s', async (_what, name, content, options) => {
    const context = await withFiles({});
    await writeFiles(context.roots[0], { [name]: Buffer.from(content) });
    const tokenizer = { type: 'byte_pair', vocabulary: 257 };
    const set = await load(context, { path: name, testFraction: 0.5, tokenizer, ...options });
    expect(await words(set)).toEqual(four);
    expect([set.train.count, set.skipped.count]).toEqual([2, 0]);
  });

  test('an encoding, whose signs at the end of a chunk stay whole', async () => {
    const context = await withFiles({});
    const rows = lines(
      'text,label',
      ...Array.from({ length: 4 }, (_, i) => `na\u00efve \u20ac,${i % 2 ? '\u00e9t\u00e9' : 'neg'}`),
    );
    const latin = Buffer.from(rows.replaceAll('\u20ac', '\u0080'), 'latin1');
    await writeFiles(context.roots[0], { 'set.csv': latin });
    const set = await load(context, { encoding: 'windows-1252', testFraction: 0.5 });
    expect(await words(set)).toEqual(
      ['neg', 'neg', '\u00e9t\u00e9', '\u00e9t\u00e9'].map((name) => `${name}: na\u00efve \u20ac`),
    );
  });

  test('quotes after a backslash', async () => {
    const rows = lines(
      'text,label',
      ...Array.from({ length: 4 }, (_, i) => String.raw`"a \"b\", c",${'xy'[i % 2]}`),
    );
    const context = await withFiles({ 'set.csv': rows });
    const refused = await errorOf(load(context));
    expect(refused.message).toBe(
      'set.csv: 4 of 4 rows cannot be read, more than half: ' +
        [2, 3, 4, 5]
          .map(
            (line) => String.raw`set.csv, line ${line} (a quote follows a backslash; set "escape" to "\\")`,
          )
          .join(', '),
    );
    const set = await load(context, { escape: '\\', testFraction: 0.5 });
    expect((await words(set))[0]).toBe('x: a " b " , c');
  });

  test('JSON Lines that are not objects, and a field that no object has', async () => {
    const good = [
      '{"text":"one","label":1}',
      '{"text":"two","label":2}',
      '{"text":"three","label":1}',
      '{"text":"four","label":2}',
    ];
    const context = await withFiles({
      'set.jsonl': lines(...good, '[1]', '{"text":', '{"text":{},"label":1}', '{"label":2}'),
    });
    const { skipped } = await load(context, { path: 'set.jsonl' });
    expect(skipped.first.map(({ name, reason }) => `${name} ${reason}`)).toEqual([
      'set.jsonl, line 5 is not a JSON object',
      expect.stringMatching(/^set.jsonl, line 6 is not JSON: /),
      'set.jsonl, line 7 the field "text" is a list or an object',
      'set.jsonl, line 8 the text is empty',
    ]);
    const error = await errorOf(load(context, { path: 'set.jsonl', label: 'mood' }));
    expect(error.fields).toMatchObject([
      { path: '/dataset/label', value: 'mood', allowed: ['text', 'label'] },
    ]);
  });
});

describe('rows that are left out', () => {
  test('more damaged rows than good ones are refused by name', async () => {
    const bad = Array.from({ length: 5 }, () => 'a,pos,b');
    const context = await withFiles({
      'set.csv': lines('text,label', 'a,pos', 'b,neg', 'a,pos', 'b,neg', ...bad),
    });
    for (const read of [textCsv.load, textCsv.outline]) {
      expect((await errorOf(read(choose({}), context))).message).toMatch(
        /^set\.csv: 5 of 9 rows cannot be read, more than half: set\.csv, line 6 \(has 3 fields, but the first row has 2\), set\.csv, line 7/,
      );
    }
  });

  test('labels that stand for missing values are no classes, however many', async () => {
    const missing = ['nan', 'NaN', 'None', 'null', 'N/A', ''].map((label) => `a text,${label}`);
    const context = await withFiles({
      'set.csv': lines('text,label', ...missing, 'a,pos', 'b,neg', 'c,pos', 'd,neg'),
    });
    const set = await load(context);
    expect(set.classes).toEqual(['neg', 'pos']);
    expect(set.skipped.count).toBe(6);
    expect(set.skipped.first[2]).toEqual({
      name: 'set.csv, line 4',
      reason: 'the label "None" stands for a missing value',
    });
    const kept = await load(context, { missingLabels: ['nan'] });
    expect(kept.classes).toEqual(['N/A', 'NaN', 'None', 'neg', 'null', 'pos']);
    expect(
      (await errorOf(load(context, { missingLabels: ['pos', 'neg', ...missing.map((row) => row.slice(7))] })))
        .message,
    ).toMatch(/holds no labelled row; all 10 rows are left out: set\.csv, line 2/);
  });
});

test('class names in two Unicode forms are one class', async () => {
  const context = await withFiles({
    'set.csv': lines('text,label', 'a,caf\u00e9', 'b,cafe\u0301', 'c,bar', 'd,bar'),
  });
  expect((await load(context)).classes).toEqual(['bar', 'caf\u00e9']);
});

test('a class of two rows is in both splits; one of a single row is noted', async () => {
  const rows = Array.from({ length: 40 }, (_, i) => `text ${i},${i % 2 ? 'pos' : 'neg'}`);
  const context = await withFiles({
    'set.csv': lines('text,label', ...rows, 'a,rare', 'b,rare', 'c,single'),
  });
  const set = await load(context);
  expect(set.classes).toEqual(['neg', 'pos', 'rare', 'single']);
  expect([...set.train.labels].filter((label) => label >= 2)).toEqual([2, 3]);
  expect([...set.test.labels].filter((label) => label >= 2)).toEqual([2]);
  expect(set.notes).toEqual(['1 classes have a single row, which is in the training split: "single"']);
});

test('texts that are cut off are counted', async () => {
  const context = await withFiles({
    ...two,
    'set.csv': `${train}one two three four five six,neg\n1 2 3 4 5 6 7,pos\n`,
  });
  expect((await load(context, { testPath: 'test.csv' })).notes).toEqual([
    '1 of 7 texts are longer than 6 tokens and were cut off',
  ]);
});
