import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Dataset } from '../dataset.ts';
import { allInputs } from '../testing/all-inputs.ts';
import { contextIn, errorOf, png, temporaryFolder, writeFiles } from '../testing/fixtures.ts';
import { imageTable } from './image-table.ts';

const choose = (options: object = {}) =>
  imageTable.options.parse({ path: 'list.csv', size: [1, 1], ...options });

/** Pictures 0.png to 9.png below `pictures/`; the red of picture i is i. */
async function withTable(table: string, more: Record<string, Buffer> = {}) {
  const context = await contextIn(await temporaryFolder());
  const files: Record<string, Buffer> = { 'list.csv': Buffer.from(table), ...more };
  for (let i = 0; i < 10; i++) files[`pictures/${i}.png`] = await png(i, 0, 0);
  await writeFiles(context.roots[0], files);
  return context;
}
const reds = async (split: Dataset['train']) => [...(await allInputs(split))].filter((_, i) => i % 3 === 0);
const rows = (parts: readonly string[]) =>
  parts.map((part, i) => `pictures/${i}.png,${'ab'[i % 2]},${part}\n`).join('');

test('rows with a split, relative to the table', async () => {
  const parts = ['train', 'Train', 'test', 'test', 'val', 'valid', 'training', 'train'];
  const context = await withTable(`image,label,split\n${rows(parts)}`);
  const set = await imageTable.load(choose({ split: 'split' }), context);
  expect(set).toMatchObject({ classes: ['a', 'b'], shape: [1, 1, 3] });
  // The validation images are behind the others of the training split.
  expect([await reds(set.train), await reds(set.test), set.validation]).toEqual([
    [0, 1, 6, 7, 4, 5],
    [2, 3],
    2,
  ]);
  expect([...set.train.labels, ...set.test.labels]).toEqual([0, 1, 0, 1, 0, 1, 0, 1]);
  expect(set.notes).toEqual([]);
  expect(await imageTable.outline(choose({ split: 'split' }), context)).toMatchObject({
    trainCount: 6,
    validation: 2,
    testCount: 2,
  });
  const two = await withTable(
    `image,label,split\n${rows(['train', 'train', 'train', 'train', 'val', 'val'])}`,
  );
  const tested = await imageTable.load(choose({ split: 'split' }), two);
  expect([await reds(tested.test), tested.notes]).toEqual([
    [4, 5],
    ['there is no test split: the validation split is tested on'],
  ]);
});

test('a folder of its own, another table for testing, and a part that is held out', async () => {
  const table = (from: number, to: number) =>
    `label,file\n${Array.from({ length: to - from }, (_, i) => `${(from + i) % 2},${from + i}.png\n`).join('')}`;
  const context = await withTable(table(0, 10), {
    'test.csv': Buffer.from(table(6, 10)),
    'train.csv': Buffer.from(table(0, 6)),
  });
  const options = { image: 'file', folder: 'pictures' };
  const held = await imageTable.load(choose({ ...options, testFraction: 0.2 }), context);
  expect([held.train.count, held.test.count]).toEqual([8, 2]);
  const own = await imageTable.load(choose({ ...options, path: 'train.csv', testPath: 'test.csv' }), context);
  expect([await reds(own.train), await reds(own.test)]).toEqual([
    [0, 1, 2, 3, 4, 5],
    [6, 7, 8, 9],
  ]);
});

test('rows and images that cannot be read are counted and named', async () => {
  const good = rows(['', '', '', '', '', '', '', '']).replaceAll(/,\n/g, '\n');
  const bad =
    'pictures/0.png,a\n../../x.png,a\ngone.png,b\n,a\npictures/9.png,\nbroken.png,a\n/etc/passwd,b\nout/x.png,b\n';
  const context = await withTable(`image,label\n${good}${bad}`, { 'broken.png': Buffer.from('no image') });
  await symlink('/etc', join(context.roots[0], 'out'));
  const { skipped } = await imageTable.load(choose(), context);
  expect(skipped.count).toBe(8);
  expect(skipped.first.map(({ name, reason }) => `${name} ${reason}`)).toEqual([
    'list.csv, line 10 the image pictures/0.png is in an earlier row',
    'list.csv, line 11 the image ../../x.png is not in an allowed folder',
    'list.csv, line 12 the image gone.png is not in an allowed folder',
    'list.csv, line 13 the path of the image is empty',
    'list.csv, line 14 the label is empty',
    'list.csv, line 16 the image /etc/passwd is not in an allowed folder',
    'list.csv, line 17 the image out/x.png is not in an allowed folder',
    expect.stringMatching(/^broken\.png /),
  ]);
});

describe('a table that cannot be trained on is a data_error that names the field', () => {
  test.each<[string, string, object, object]>([
    [
      'no such column',
      'file,label\n',
      {},
      { path: '/dataset/image', value: 'image', allowed: ['file', 'label'] },
    ],
    ['no such split', 'image,label\n', { split: 'part' }, { path: '/dataset/split', value: 'part' }],
    [
      'no image',
      'image,label\nx.png,a\ny.png,b\n',
      {},
      { path: '/dataset/path', message: expect.stringMatching(/2 of 2 rows cannot be read/) },
    ],
    [
      'one class',
      `image,label\n${rows(['', '']).replaceAll(/,[ab],\n/g, ',a\n')}`,
      {},
      { message: expect.stringMatching(/all images have the label "a"/) },
    ],
    [
      'a new class in test',
      `image,label,split\n${rows(['train', 'train'])}pictures/5.png,c,test\n`,
      { split: 'split' },
      { message: expect.stringMatching(/the label "c", which no training image has/) },
    ],
    [
      'another name of a split',
      `image,label,split\n${rows(['train', 'odd', 'odd', 'odd'])}`,
      { split: 'split' },
      { message: expect.stringMatching(/the split is "odd"; expected train/) },
    ],
  ])('%s', async (_what, table, options, field) => {
    const error = await errorOf(imageTable.load(choose(options), await withTable(table)));
    expect(error).toMatchObject({ code: 'data_error', fields: [field] });
  });
});
