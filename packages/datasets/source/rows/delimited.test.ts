import { randomStream } from '@distillery/engine/random';
import { parse } from 'csv-parse/sync';
import { describe, expect, test } from 'vitest';
import { delimitedRows, type Dialect, maximumRow } from './delimited.ts';

const csv = { delimiter: ',', quote: '"', escape: '"' };

/** All rows as `[line, …fields]`, or `[line, fault]`, of a table that comes in chunks of so many bytes. */
async function rowsOf(table: string | Buffer, dialect: Dialect = csv, size = 1 << 20): Promise<unknown[][]> {
  const bytes = Buffer.from(table);
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  const rows: unknown[][] = [];
  for await (const batch of delimitedRows(chunks(), dialect)) {
    for (const row of batch) {
      if ('fault' in row) rows.push([row.line, { fault: row.fault }]);
      else rows.push([row.line, ...Array.from({ length: row.fields }, (_, index) => row.text(index))]);
    }
  }
  return rows;
}

const notClosed = { fault: expect.stringMatching(/^a quote is not closed/) };
const followed = { fault: expect.stringMatching(/^text follows a closing quote/) };
const tooLong = { fault: `is longer than ${maximumRow} bytes` };

describe('rows', () => {
  test.each<[string, string, unknown[][]]>([
    [
      'plain fields, line ends of both kinds, and none at the end',
      'a,b\r\n,\nc,',
      [
        [1, 'a', 'b'],
        [2, '', ''],
        [3, 'c', ''],
      ],
    ],
    [
      'empty lines are skipped',
      '\n\na\n\r\nb\n',
      [
        [3, 'a'],
        [5, 'b'],
      ],
    ],
    ['an empty quoted field is a row', '""\n', [[1, '']]],
    [
      'quoted delimiters, quotes and lines',
      '"a,b","c""d"\n"e\nf\r\n",g\nh,i',
      [
        [1, 'a,b', 'c"d'],
        [2, 'e\nf\r\n', 'g'],
        [5, 'h', 'i'],
      ],
    ],
    ['a quote inside of an unquoted field', '5" pipe,so "fine"\n', [[1, '5" pipe', 'so "fine"']]],
    ['spaces after a closing quote', '"a" ,"b"  \r\n', [[1, 'a', 'b']]],
    ['a carriage return inside of a line', 'a\rb,c\r\n', [[1, 'a\rb', 'c']]],
  ])('%s', async (_what, table, expected) => {
    for (const size of [1, 2, 3, 7, 1000]) expect(await rowsOf(table, csv, size)).toEqual(expected);
  });

  test('another delimiter, no quotes, and a backslash before quotes', async () => {
    expect(await rowsOf('"a"\t"b\n', { delimiter: '\t', quote: '', escape: '' })).toEqual([[1, '"a"', '"b']]);
    expect(await rowsOf('a||b|\n', { ...csv, delimiter: '||' }, 2)).toEqual([[1, 'a', 'b|']]);
    const escaped = String.raw`"a \"b\", ""c"" \\",\n` + '\nd,e';
    for (const size of [1, 3, 100])
      expect(await rowsOf(escaped, { ...csv, escape: '\\' }, size)).toEqual([
        [1, String.raw`a "b", "c" ${'\\'}`, String.raw`\n`],
        [2, 'd', 'e'],
      ]);
    expect(await rowsOf("'it''s',x\n", { delimiter: ',', quote: "'", escape: "'" })).toEqual([
      [1, "it's", 'x'],
    ]);
  });

  test('a field that is not UTF-8 has no text; U+FFFD itself is text', async () => {
    const table = Buffer.concat([Buffer.from('\ufffd,'), Buffer.of(0xc3, 0x28), Buffer.from('\nb,ü\n')]);
    expect(await rowsOf(table, csv, 4)).toEqual([
      [1, '\ufffd', undefined],
      [2, 'b', 'ü'],
    ]);
  });
});

describe('a fault takes no other row with it', () => {
  test('a quote that is not closed', async () => {
    const expected = [
      [1, 'a', '1'],
      [2, notClosed],
      [3, 'c', '3'],
      [4, 'd,e', '4'],
      [5, notClosed],
      [6, 'f', '5'],
    ];
    for (const size of [1, 5, 100])
      expect(await rowsOf('a,1\n"b,2\nc,3\n"d,e",4\nx,"\nf,5\n', csv, size)).toEqual(expected);
  });

  test('a quote that is not closed within the longest row, wherever chunks end', async () => {
    const line = 'ordinary text,1\n';
    const rows = Math.ceil(maximumRow / line.length) + 10;
    const table = `"open,1\n${line.repeat(rows)}"never mind",2\n`;
    for (const size of [4099, 1 << 20, 1 << 22]) {
      const found = await rowsOf(table, csv, size);
      expect(found).toHaveLength(rows + 2);
      expect([found[0], found[1], found.at(-1)]).toEqual([
        [1, notClosed],
        [2, 'ordinary text', '1'],
        [rows + 2, 'never mind', '2'],
      ]);
    }
  });

  test('text after a closing quote, and a quote after a backslash', async () => {
    expect(await rowsOf('"a" b,1\nc,2\n')).toEqual([
      [1, followed],
      [2, 'c', '2'],
    ]);
    expect(await rowsOf(String.raw`"a \"b\" c",1` + '\nc,2\n')).toEqual([
      [1, { fault: String.raw`a quote follows a backslash; set "escape" to "\\"` }],
      [2, 'c', '2'],
    ]);
  });

  test('a row that is too long, of one line or several', async () => {
    const long = 'z'.repeat(maximumRow);
    const expected = [
      [1, 'a', '1'],
      [2, tooLong],
      [3, 'c', '3'],
      [4, notClosed],
    ];
    for (const size of [100_003, 1 << 20, 1 << 23])
      expect(await rowsOf(`a,1\n${long},2\nc,3\n"${long}"`, csv, size)).toEqual(expected);
  });
});

test('tables that are written by the rules are read as csv-parse reads them', async () => {
  const stream = randomStream(1, 'tables');
  const signs = ['a', 'bc', ',', '"', '\n', '\r\n', ' ', 'ü', '漢'];
  const field = () =>
    Array.from({ length: stream.below(6) }, () => signs[stream.below(signs.length)]).join('');
  const quoted = (text: string) =>
    /[",\r\n]/.test(text) || stream.below(4) === 0 ? `"${text.replaceAll('"', '""')}"` : text;
  for (let round = 0; round < 300; round++) {
    const end = stream.below(2) === 0 ? '\n' : '\r\n';
    const lines = Array.from(
      { length: 1 + stream.below(8) },
      () => `x,${quoted(field())},${quoted(field())}`,
    );
    const table = lines.join(end) + end;
    const fields = (await rowsOf(table, csv, 1 + stream.below(40))).map(([, ...row]) => row);
    expect(fields).toEqual(parse(table, { record_delimiter: ['\r\n', '\n'] }));
  }
});

test('any bytes at all are read to the end, the same wherever chunks end', async () => {
  const stream = randomStream(2, 'bytes');
  const signs = Buffer.from('"",,\n\n\r\\a \xff', 'latin1');
  for (let round = 0; round < 500; round++) {
    const bytes = Buffer.from(
      Array.from({ length: stream.below(60) }, () => signs[stream.below(signs.length)]),
    );
    const dialect = { ...csv, escape: stream.below(2) === 0 ? '"' : '\\' };
    const whole = await rowsOf(bytes, dialect);
    expect(await rowsOf(bytes, dialect, 1 + stream.below(9))).toEqual(whole);
    const lines = whole.map(([line]) => line as number);
    expect(lines).toEqual([...new Set(lines)].sort((a, b) => a - b));
    expect(lines.at(-1) ?? 0).toBeLessThanOrEqual(1 + bytes.filter((byte) => byte === 10).length);
  }
});
