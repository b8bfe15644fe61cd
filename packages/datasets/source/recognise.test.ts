import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { expect, test } from 'vitest';
import { recognise } from './recognise.ts';
import { cifarRecord, idxFile, npyFile, zipFile } from './testing/array-files.ts';
import { errorOf, png, tarOf, temporaryFolder, writeFiles } from './testing/fixtures.ts';

async function recognised(name: string, content: Buffer) {
  const folder = await temporaryFolder();
  await writeFiles(folder, { [name]: content });
  return await recognise(join(folder, name));
}

const lines = (...rows: string[]) => Buffer.from(rows.map((row) => `${row}\n`).join(''));
const array = npyFile('|u1', [2, 1, 1], Buffer.alloc(2));
const texts = { text: 'body', label: 'class' };

test.each<[string, Buffer | (() => Promise<Buffer>), string, object]>([
  [
    'pets.zip',
    async () => zipFile({ 'a/1.png': await png(1, 2, 3), 'b/1.png': await png(4, 5, 6) }),
    'image_folder',
    {},
  ],
  [
    'pets.tar.gz',
    async () =>
      tarOf([
        ['train.txt', Buffer.from('x')],
        ['a/1.png', await png(1, 2, 3)],
      ]),
    'image_folder',
    {},
  ],
  ['pets.tar', async () => tarOf([['a/1.jpg', Buffer.from('x')]], { gzip: false }), 'image_folder', {}],
  ['set.npz', zipFile({ 'x.npy': array, 'y.npy': array }), 'npz', {}],
  ['arrays.zip', zipFile({ 'x.npy': array }), 'npz', {}],
  [
    'digits.zip',
    zipFile({ 'mnist/train-images-idx3-ubyte': idxFile([1, 1, 1], Buffer.alloc(1)) }),
    'idx',
    {},
  ],
  [
    'cifar.tar.gz',
    () => tarOf([['cifar-10-batches-bin/data_batch_1.bin', cifarRecord([1], 0)]]),
    'cifar10',
    {},
  ],
  ['cifar.tar.gz', () => tarOf([['cifar-100-binary/train.bin', cifarRecord([1, 2], 0)]]), 'cifar100', {}],
  ['a.csv', lines('body,class,id', 'hello you,x,1', 'bye,y,2'), 'text_csv', texts],
  ['a.tsv', lines('class\tbody', 'x\thello', 'y\tbye'), 'text_csv', texts],
  [
    'a.csv',
    lines('Sentence2,sentence1,id,label', 'a b,b a,1,0', 'c d,d,2,1'),
    'text_csv',
    { text: 'sentence1', pair: 'Sentence2', label: 'label' },
  ],
  ['a.csv.gz', gzipSync(lines('class,body', 'x,hello', 'y,bye')), 'text_csv', texts],
  ['a.jsonl', lines('{"body":"hello","class":"x"}', '{"body":"bye","class":"y"}'), 'text_csv', texts],
  ['a.csv', lines('height,width,Label', '1.5,2,x', 'nan,-3e4,y'), 'table', { label: 'Label' }],
  [
    'a.parquet',
    Buffer.from(
      parquetWriteBuffer({
        columnData: [
          { name: 'text', data: ['a b', 'c'] },
          { name: 'label', data: ['x', 'y'] },
        ],
      }),
    ),
    'text_csv',
    { text: 'text', label: 'label' },
  ],
])('%s is recognised', async (name, content, source, options) => {
  const bytes = typeof content === 'function' ? await content() : content;
  expect(await recognised(name, bytes)).toEqual({ source, options });
});

test.each<[string, Buffer, string]>([
  ['a.csv', lines('one,two', 'x,y'), 'a.csv has the columns "one", "two": name the source, text_csv'],
  [
    'a.csv',
    lines('label,one,two', 'x,some words,other words'),
    'a.csv has the columns "label", "one", "two"',
  ],
  ['a.csv', Buffer.alloc(0), 'a.csv'],
  ['a.csv', lines('text,label', 'a,b,c', 'd,e,f'), 'no row can be read: a.csv, line 2 has 3 fields'],
  ['a.bin', Buffer.from('hello'), 'a.bin is of no kind that is recognised'],
  [
    'a.zip',
    zipFile({ 'notes.txt': Buffer.from('x') }),
    'a.zip is an archive without images (1 files were looked at)',
  ],
  ['a.zip', Buffer.from('PK\x03\x04 and no more'), 'a.zip: '],
])('%s is refused with what is missing: %#', async (name, content, message) => {
  const error = await errorOf(recognised(name, content));
  expect(error).toMatchObject({ code: 'data_error', fields: [{ path: '/source' }] });
  expect(error.message).toContain(message);
});
