import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { textCsv } from '../sources/text-csv.ts';
import { allInputs } from '../testing/all-inputs.ts';
import { contextIn, errorOf, temporaryFolder, writeFiles } from '../testing/fixtures.ts';
import { byteLevelFile, wordPieceFile } from '../testing/tokenizer-files.ts';
import { textDecoder, textEncoder, type Tokenizer } from './tokenizer.ts';
import { readTokenizerFile } from './tokenizer-file.ts';

const words = ['un', '##aff', '##able', 'the', 'cat', ',', '##s'];

async function read(definition: unknown) {
  const context = await contextIn(await temporaryFolder());
  const content = typeof definition === 'string' ? definition : JSON.stringify(definition);
  await writeFiles(context.roots[0], { 'tokenizer.json': Buffer.from(content) });
  return readTokenizerFile({ type: 'file', path: 'tokenizer.json' }, context);
}

function idsOf(tokenizer: Tokenizer, text: string, length: number) {
  const ids = new Uint16Array(length);
  return { cut: textEncoder(tokenizer)(text, ids), ids: [...ids] };
}

test('WordPiece: special tokens stay where a text is cut off, and padding is 0', async () => {
  const { tokenizer, vocabulary, special } = await read(wordPieceFile(words));
  expect([vocabulary, special]).toEqual([11, { text: 2, pair: 3 }]);
  expect(idsOf(tokenizer, 'Unaffable, the C\u00e1ts dog', 12)).toEqual({
    cut: false,
    ids: [2, 4, 5, 6, 9, 7, 8, 10, 1, 3, 0, 0],
  });
  expect(idsOf(tokenizer, 'unaffable, the cats', 5)).toEqual({ cut: true, ids: [2, 4, 5, 6, 3] });
  expect(idsOf(tokenizer, '', 4)).toEqual({ cut: false, ids: [2, 3, 0, 0] });
  expect(textDecoder(tokenizer)(Uint16Array.of(2, 4, 5, 6, 9, 7, 8, 3, 0))).toBe('unaffable, the cat');
});

test('a pair has the special tokens of pairs, and the longer text loses tokens first', async () => {
  const { tokenizer } = await read(wordPieceFile(words));
  const pair = (first: string, second: string, length: number) => {
    const ids = new Uint16Array(length);
    return { cut: textEncoder(tokenizer)(first, ids, second), ids: [...ids] };
  };
  expect(pair('the cat', 'cats', 9)).toEqual({ cut: false, ids: [2, 7, 8, 3, 8, 10, 3, 0, 0] });
  expect(pair('the cat the cat', 'un', 6)).toEqual({ cut: true, ids: [2, 7, 8, 3, 4, 3] });
  expect(textDecoder(tokenizer)(Uint16Array.of(2, 7, 8, 3, 8, 10, 3, 0))).toBe('the cat cats');
  const file = wordPieceFile(words);
  const { special } = await read({
    ...file,
    post_processor: { ...(file.post_processor as object), pair: [] },
  });
  expect(special).toEqual({ text: 2, pair: undefined });
});

test('byte-level BPE: ids are one higher, as 0 is padding', async () => {
  const { tokenizer, vocabulary } = await read(
    byteLevelFile(
      ['l', 'o', 'w', 'e', 'r', '\u0120', '\u00c3', '\u00a9'],
      [
        ['l', 'o'],
        ['lo', 'w'],
        ['e', 'r'],
        ['\u0120', 'low'],
      ],
    ),
  );
  expect(vocabulary).toBe(13);
  expect(idsOf(tokenizer, 'low lower l\u00e9', 9)).toEqual({
    cut: false,
    ids: [10, 12, 11, 6, 1, 7, 8, 0, 0],
  });
  expect(textDecoder(tokenizer)(Uint16Array.of(10, 12, 11, 6, 1, 7, 8, 0))).toBe('low lower l\u00e9');
});

describe('a file that holds no tokenizer is a data_error that names its path', () => {
  const unknown = { ...wordPieceFile(words), model: { type: 'Magic', vocab: { a: 0 } } };
  const many = Object.fromEntries(Array.from({ length: 65_537 }, (_, id) => [`w${id}`, id]));
  test.each<[string, unknown, RegExp]>([
    ['no JSON', '{"model":', /is not JSON/],
    ['something else', { vocab: {} }, /is not a tokenizer\.json/],
    ['an unknown model', unknown, /has a part that is not supported: .*Magic/],
    [
      'an unknown normaliser',
      { ...wordPieceFile(words), normalizer: { type: 'Odd' } },
      /not supported: .*Odd/,
    ],
    [
      'too many ids',
      { ...wordPieceFile(words), model: { type: 'WordPiece', vocab: many } },
      /has 65537 ids, more than 65536/,
    ],
    [
      'no ids',
      { ...wordPieceFile(words), model: { type: 'WordPiece', vocab: { a: 'b' } } },
      /has no vocabulary of token ids/,
    ],
  ])('%s', async (_what, definition, message) => {
    const error = await errorOf(read(definition));
    expect(error).toMatchObject({ code: 'data_error', message: expect.stringMatching(message) });
    expect(error.fields).toMatchObject([{ path: '/dataset/tokenizer/path', value: 'tokenizer.json' }]);
  });

  test('a pipe, and a path outside', async () => {
    const context = await contextIn(await temporaryFolder());
    execFileSync('mkfifo', [join(context.roots[0], 'pipe')]);
    for (const path of ['pipe', '/etc/passwd', 'gone.json']) {
      const error = await errorOf(readTokenizerFile({ type: 'file', path }, context));
      expect(error.fields).toMatchObject([{ path: '/dataset/tokenizer/path', value: path }]);
    }
  });
});

test('texts of a data set are encoded with the file, and encoded anew when it changes', async () => {
  const context = await contextIn(await temporaryFolder());
  const file = join(context.roots[0], 'tokenizer.json');
  await writeFile(file, JSON.stringify(wordPieceFile(words)));
  await writeFile(join(context.roots[0], 'set.csv'), 'text,label\nthe cat,a\ncats,b\nthe the the,a\nun,b\n');
  const options = { path: 'set.csv', testFraction: 0.5, tokenizer: { type: 'file', path: 'tokenizer.json' } };
  const choose = (length: number) => textCsv.options.parse({ ...options, length });
  expect(await textCsv.outline(choose(5), context)).toMatchObject({ vocabulary: 11, shape: [5] });
  const set = await textCsv.load(choose(4), context);
  expect(set).toMatchObject({ vocabulary: 11, tokenizer: { type: 'file', shift: 0 } });
  const ids = [set.train, set.test].map(async (split) => [
    ...new Uint16Array((await allInputs(split)).buffer),
  ]);
  const rows = (await Promise.all(ids)).flat();
  const found = Array.from({ length: 4 }, (_, i) => `${rows.slice(4 * i, 4 * i + 4)}`);
  expect(found.sort()).toEqual(['2,4,3,0', '2,7,7,3', '2,7,8,3', '2,8,10,3']);
  expect(set.notes).toEqual(['1 of 4 texts are longer than 4 tokens and were cut off']);
  const short = await errorOf(textCsv.outline(choose(2), context));
  expect(short.fields).toMatchObject([
    { path: '/dataset/length', value: 2, message: expect.stringMatching(/above 2/) },
  ]);
  await writeFile(file, JSON.stringify(wordPieceFile([...words, 'more'])));
  expect((await textCsv.load(choose(4), context)).digest).not.toBe(set.digest);
});
