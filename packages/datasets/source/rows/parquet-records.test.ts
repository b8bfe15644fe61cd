import { parquetWriteBuffer } from 'hyparquet-writer';
import { describe, expect, test } from 'vitest';
import { table } from '../sources/table.ts';
import { textCsv } from '../sources/text-csv.ts';
import { contextIn, errorOf, temporaryFolder, writeFiles } from '../testing/fixtures.ts';
import { recordsOf } from './records.ts';

type Columns = Parameters<typeof parquetWriteBuffer>[0]['columnData'];

function parquet(columnData: Columns, more: object = {}): Buffer {
  return Buffer.from(parquetWriteBuffer({ columnData, ...more }));
}

async function withFile(bytes: Buffer) {
  const context = await contextIn(await temporaryFolder());
  await writeFiles(context.roots[0], { 'set.parquet': bytes });
  return context;
}

const count = 30;
const texts = Array.from({ length: count }, (_, i) => `text ${i} caf\u00e9`);
const numbers = Array.from({ length: count }, (_, i) => i % 3);
const columns: Columns = [
  { name: 'text', data: texts, type: 'STRING' },
  { name: 'label', data: numbers, type: 'INT32' },
  { name: 'size', data: numbers.map((n) => n / 4), type: 'DOUBLE' },
  { name: 'big', data: numbers.map((n) => BigInt(n) * 10n), type: 'INT64' },
  { name: 'yes', data: numbers.map((n) => n === 1), type: 'BOOLEAN' },
];

async function rowsOf(bytes: Buffer, chosen: string[]) {
  const { roots } = await withFile(bytes);
  const file = {
    path: `${roots[0]}/set.parquet`,
    encoding: 'utf-8',
    header: true,
    missingLabels: [],
  } as const;
  const rows: unknown[][] = [];
  for await (const batch of recordsOf(file, () => chosen))
    for (const row of batch)
      rows.push([row.name, ...('values' in row ? row.values : [{ reason: row.reason }])]);
  return rows;
}

test('columns of texts, numbers and truth values, over several row groups', async () => {
  const rows = await rowsOf(parquet(columns, { rowGroupSize: 7 }), ['label', 'text', 'size', 'big', 'yes']);
  expect(rows).toHaveLength(count);
  expect(rows[4]).toEqual(['set.parquet, row 5', '1', 'text 4 caf\u00e9', '0.25', '10', 'true']);
  expect(rows[29]).toEqual(['set.parquet, row 30', '2', 'text 29 caf\u00e9', '0.5', '20', 'false']);
});

test('missing values, and values that are no text', async () => {
  const mixed: Columns = [
    { name: 'text', data: ['a', null, 'c'], type: 'STRING', nullable: true },
    { name: 'list', data: [{ a: 1 }, { b: [2] }, 'plain'], type: 'JSON' },
  ];
  const rows = await rowsOf(parquet(mixed), ['text', 'list']);
  expect(rows.map((row) => row.slice(1))).toEqual([
    [{ reason: 'the field "list" is no text, number or truth value' }],
    [{ reason: 'the field "list" is no text, number or truth value' }],
    ['c', 'plain'],
  ]);
  expect((await rowsOf(parquet([mixed[0]]), ['text']))[1]).toEqual(['set.parquet, row 2', '']);
});

test('texts with the names of classes that Hugging Face writes', async () => {
  const features = { label: { names: ['bad', 'fair', 'good'], _type: 'ClassLabel' } };
  const kvMetadata = [{ key: 'huggingface', value: JSON.stringify({ info: { features } }) }];
  const context = await withFile(parquet(columns, { kvMetadata }));
  const choice = textCsv.options.parse({ path: 'set.parquet', length: 4 });
  const set = await textCsv.load(choice, context);
  expect(set.classes).toEqual(['bad', 'fair', 'good']);
  expect(set.train.count + set.test.count).toBe(count);
  expect((await textCsv.load(choice, await withFile(parquet(columns)))).classes).toEqual(['0', '1', '2']);
});

test('a table of numbers', async () => {
  const choice = table.options.parse({ path: 'set.parquet', columns: ['big', 'size', 'yes'] });
  const set = await table.load(choice, await withFile(parquet(columns)));
  expect(set.columns?.map(({ name }) => name)).toEqual(['big', 'size', 'yes']);
});

describe('a file that cannot be read is a data_error', () => {
  const whole = parquet(columns);
  test.each<[string, Buffer, RegExp]>([
    [
      'another format',
      Buffer.from('text,label\na,b\n'),
      /^set\.parquet: is not a Parquet file that can be read/,
    ],
    ['cut off', whole.subarray(0, whole.length - 9), /is not a Parquet file that can be read/],
    ['an empty file', Buffer.alloc(0), /is not a Parquet file that can be read/],
    ['no such column', parquet(columns.slice(1)), /set\.parquet has no column "text"/],
  ])('%s', async (_what, bytes, message) => {
    const error = await errorOf(
      textCsv.load(textCsv.options.parse({ path: 'set.parquet' }), await withFile(bytes)),
    );
    expect(error).toMatchObject({ code: 'data_error', message: expect.stringMatching(message) });
  });
});
