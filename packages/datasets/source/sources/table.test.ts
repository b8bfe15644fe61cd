import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Dataset } from '../dataset.ts';
import { allInputs } from '../testing/all-inputs.ts';
import { contextIn, errorOf, temporaryFolder, writeFiles } from '../testing/fixtures.ts';
import { table } from './table.ts';

const choose = (options: object = {}) => table.options.parse({ path: 'set.csv', ...options });

async function withFiles(files: Record<string, string | Buffer>) {
  const context = await contextIn(await temporaryFolder());
  const bytes = Object.entries(files).map(([name, content]) => [name, Buffer.from(content)] as const);
  await writeFiles(context.roots[0], Object.fromEntries(bytes));
  return context;
}
const numbers = async (split: Dataset['train']) => [...new Float32Array((await allInputs(split)).buffer)];

const train = 'width,label,height,ok\n1,a,10,true\n3,b,10,False\n5,a,10,TRUE\n7,b,10,false\n';
const held = 'width,label,height,ok\n4,b,12,true\n,a,10,false\n';

test('standardises each column by the training rows', async () => {
  const context = await withFiles({ 'set.csv': train, 'test.csv': held });
  const set = await table.load(choose({ testPath: 'test.csv' }), context);
  const std = Math.sqrt(5);
  expect(set).toMatchObject({
    classes: ['a', 'b'],
    shape: [3],
    columns: [
      { name: 'width', mean: 4, std },
      { name: 'height', mean: 10, std: 1 },
      { name: 'ok', mean: 0.5, std: 0.5 },
    ],
    skipped: { count: 0 },
    notes: ['missing numbers are replaced by the mean of the training rows: 1 in "width"'],
  });
  const of = (width: number, height: number, ok: number) => [Math.fround((width - 4) / std), height, ok];
  expect(await numbers(set.train)).toEqual([
    ...of(1, 0, 1),
    ...of(3, 0, -1),
    ...of(5, 0, 1),
    ...of(7, 0, -1),
  ]);
  expect(await numbers(set.test)).toEqual([...of(4, 2, 1), ...of(4, 0, -1)]);
  expect([...set.train.labels, ...set.test.labels]).toEqual([0, 1, 0, 1, 1, 0]);
  expect(await table.load(choose({ testPath: 'test.csv' }), context)).toEqual(set);
});

test('columns in an order of their own, other signs for missing numbers, JSON Lines, and a part that is held out', async () => {
  const rows = Array.from(
    { length: 10 },
    (_, i) => `{"x":${i},"name":"n${i}","y":"${i === 3 ? 'none' : -i}","label":${i % 2}}`,
  );
  const context = await withFiles({ 'set.jsonl.gz': gzipSync(rows.join('\n')) });
  const options = { path: 'set.jsonl.gz', columns: ['y', 'x'], missing: ['none'], testFraction: 0.2 };
  const set = await table.load(choose(options), context);
  expect(set).toMatchObject({ classes: ['0', '1'], columns: [{ name: 'y' }, { name: 'x' }] });
  expect([set.train.count, set.test.count]).toEqual([8, 2]);
  const mean = (await numbers(set.train)).reduce((sum, value) => sum + value, 0) / 16;
  expect(mean).toBeCloseTo(0, 6);
});

test('rows that are no numbers, and rows without a label, are counted and named in the order of the file', async () => {
  const rows = 'x,label\n1,a\n2,b\nmany,a\n3,\n4,a,5\n6,b\n1e999,a\n7,a\n8,b\n-.5e-1,a\n+9.,b\n';
  const { skipped, train: kept } = await table.load(choose(), await withFiles({ 'set.csv': rows }));
  expect(skipped.first.map(({ name, reason }) => `${name} ${reason}`)).toEqual([
    'set.csv, line 4 the column "x" holds "many", which is no number; leave it out of "columns"',
    'set.csv, line 5 the label is empty',
    'set.csv, line 6 has 3 fields, but the first row has 2',
    'set.csv, line 8 the number in "x" is too large',
  ]);
  expect(kept.count).toBe(5);
});

describe('a file that cannot be trained on is a data_error that names the field', () => {
  test.each<[string, Record<string, string>, object, object]>([
    [
      'texts in a column',
      { 'set.csv': 'x,name,label\n1,u,a\n2,v,b\n' },
      {},
      { path: '/dataset/path', message: /2 of 2 rows cannot be read.*"name" holds "u", which is no number/ },
    ],
    [
      'no such column',
      { 'set.csv': train },
      { columns: ['depth'] },
      { path: '/dataset/columns', value: 'depth', allowed: ['width', 'label', 'height', 'ok'] },
    ],
    ['no such label', { 'set.csv': train }, { label: 'kind' }, { path: '/dataset/label', value: 'kind' }],
    ['no column', { 'set.csv': 'label\na\nb\n' }, {}, { message: /no column besides that of the label/ }],
    [
      'other columns in test',
      { 'set.csv': train, 'test.csv': 'height,width,label,ok\n1,2,a,true\n' },
      { testPath: 'test.csv' },
      { message: /the test file has other columns/ },
    ],
    [
      'a column without numbers',
      { 'set.csv': 'x,y,label\n1,,a\n2,?,b\n3,NA,a\n4,,b\n' },
      {},
      { message: /"y" has no number in the training rows/ },
    ],
    [
      'numbers too large',
      { 'set.csv': 'x,label\n1e308,a\n-1e308,b\n1e308,a\n-1e308,b\n' },
      {},
      { message: /too large to standardise/ },
    ],
    ['one class', { 'set.csv': 'x,label\n1,a\n2,a\n' }, {}, { message: /all rows have the label "a"/ }],
  ])('%s', async (_what, files, options, field) => {
    const error = await errorOf(table.load(choose(options), await withFiles(files)));
    expect(error.code).toBe('data_error');
    const { message, ...exact } = field as { message?: RegExp };
    expect(error.fields).toMatchObject([exact]);
    if (message !== undefined) expect(error.fields?.[0].message).toMatch(message);
  });
});
