import { parquetWriteBuffer } from 'hyparquet-writer';
import { cifarPickle, cifarRecord, idxFile, npyFile, zipFile } from './array-files.ts';
import { png, tarOf } from './fixtures.ts';
import { syntheticTable } from './synthetic-arrays.ts';
import { syntheticTexts } from './synthetic-texts.ts';
import { byteLevelFile, wordPieceFile } from './tokenizer-files.ts';

/** Whole files with the choice that reads them, as a job has it. */
export interface WholeFiles {
  /** The file that is damaged by tests of damaged files. */
  damage: string;
  choice: Record<string, unknown> & { source: string };
  files(): Promise<Record<string, Buffer>>;
}

const bytes = (length: number, of: (index: number) => number) =>
  Buffer.from(Array.from({ length }, (_, i) => of(i) & 255));
const labels = bytes(20, (i) => i % 2);
const texts = Buffer.from(syntheticTexts(40));
const objects = Array.from({ length: 30 }, (_, i) => `{"text":"a text ${i}","label":${i % 2}}\n`).join('');
const byFile = (path: string) => ({
  source: 'text_csv',
  path: 'texts.csv',
  length: 8,
  tokenizer: { type: 'file', path },
});
const images = {
  'train-images-idx3-ubyte': idxFile(
    [20, 5, 4],
    bytes(400, (i) => 7 * i),
  ),
  'train-labels-idx1-ubyte': idxFile([20], labels),
};
const npz = {
  'images.npy': npyFile('<f4', [20, 3, 4], Buffer.alloc(960)),
  'labels.npy': npyFile(
    '<i2',
    [20],
    bytes(40, (i) => (i % 4 === 0 ? 1 : 0)),
  ),
};
const python = { fine_labels: [1, 2], coarse_labels: [0, 1] };

/** Images of two classes in both splits, and one file of notes. */
async function pictures(): Promise<[string, Buffer][]> {
  const entries: [string, Buffer][] = [['notes.txt', Buffer.from('two colours')]];
  for (let at = 0; at < 12; at++) {
    const split = at < 8 ? 'train' : 'test';
    entries.push([`${split}/${at % 2 ? 'warm' : 'cold'}/${at}.png`, await png(20 * at, 7, 250 - 20 * at)]);
  }
  return entries;
}

async function shard(): Promise<[string, Buffer][]> {
  const entries: [string, Buffer][] = [];
  for (let at = 0; at < 12; at++)
    entries.push([`${at}.png`, await png(20 * at, 7, 9)], [`${at}.cls`, Buffer.from(`${at % 2}`)]);
  return entries;
}

/** Image archives of each format, decoded ahead and on reading, by the source that reads them. */
function archive(name: string, choice: WholeFiles['choice'], make: () => Promise<Buffer>): WholeFiles {
  return { damage: name, choice: { path: name, ...choice }, files: async () => ({ [name]: await make() }) };
}
const folder = { source: 'image_folder', size: [3, 4] };
const onRead = { ...folder, decoding: 'on_read' };
const zipped = async (compress: boolean) => zipFile(Object.fromEntries(await pictures()), { compress });
const tarred = async (gzip: boolean) => tarOf(await pictures(), { gzip });

/** Files of every kind that sources read, small and whole. */
export const wholeFiles: Record<string, WholeFiles> = {
  'zip of images': archive('set.zip', folder, () => zipped(true)),
  'stored zip of images': archive('set.zip', folder, () => zipped(false)),
  'zip, read in place': archive('set.zip', onRead, () => zipped(true)),
  'tar of images': archive('set.tar', folder, () => tarred(false)),
  'tar, unpacked': archive('set.tar', onRead, () => tarred(false)),
  'tar.gz of images': archive('set.tar.gz', folder, () => tarred(true)),
  'tar.gz, unpacked': archive('set.tar.gz', onRead, () => tarred(true)),
  WebDataset: archive('set.tar', { source: 'webdataset', size: [3, 4] }, async () =>
    tarOf(await shard(), { gzip: false }),
  ),
  'image Parquet': archive('set.parquet', { source: 'image_parquet', size: [3, 4] }, imageParquet),
  'zip of IDX': archive('set.zip', { source: 'idx' }, async () => zipFile(images)),
  'IDX images': {
    damage: 'd/train-images-idx3-ubyte',
    choice: { source: 'idx', path: 'd' },
    files: async () => inFolder(images),
  },
  'IDX labels': {
    damage: 'd/train-labels-idx1-ubyte',
    choice: { source: 'idx', path: 'd' },
    files: async () => inFolder(images),
  },
  NPZ: {
    damage: 'set.npz',
    choice: { source: 'npz', path: 'set.npz' },
    files: async () => ({ 'set.npz': zipFile(npz) }),
  },
  'stored NPZ': {
    damage: 'set.npz',
    choice: { source: 'npz', path: 'set.npz' },
    files: async () => ({ 'set.npz': zipFile(npz, { compress: false }) }),
  },
  'CIFAR-100': {
    damage: 'c.tar',
    choice: { source: 'cifar100', path: 'c.tar' },
    files: async () => ({
      'c.tar': await tarOf(
        [
          ['train.bin', Buffer.concat([cifarRecord([0, 1], 0), cifarRecord([1, 2], 9)])],
          ['test.bin', cifarRecord([1, 1], 5)],
        ],
        { gzip: false },
      ),
    }),
  },
  'pickled CIFAR-100': {
    damage: 'c.tar',
    choice: { source: 'cifar100', path: 'c.tar' },
    files: async () => ({
      'c.tar': await tarOf(
        [
          ['train', cifarPickle(python, [0, 9])],
          ['test', cifarPickle(python, [3, 5])],
        ],
        { gzip: false },
      ),
    }),
  },
  CSV: {
    damage: 'texts.csv',
    choice: { source: 'text_csv', path: 'texts.csv', length: 8 },
    files: async () => ({ 'texts.csv': texts }),
  },
  'JSON Lines': {
    damage: 'set.jsonl',
    choice: { source: 'text_csv', path: 'set.jsonl', length: 8 },
    files: async () => ({ 'set.jsonl': Buffer.from(objects) }),
  },
  table: {
    damage: 't.csv',
    choice: { source: 'table', path: 't.csv' },
    files: async () => ({ 't.csv': Buffer.from(syntheticTable(40)) }),
  },
  Parquet: {
    damage: 'set.parquet',
    choice: { source: 'text_csv', path: 'set.parquet', length: 8 },
    files: async () => ({ 'set.parquet': parquet() }),
  },
  WordPiece: {
    damage: 't.json',
    choice: byFile('t.json'),
    files: async () => ({ 'texts.csv': texts, 't.json': json(wordPieceFile(['the', 'of', '##s'])) }),
  },
  BPE: {
    damage: 't.json',
    choice: byFile('t.json'),
    files: async () => ({ 'texts.csv': texts, 't.json': json(byteLevelFile(['t', 'h', 'e'], [['t', 'h']])) }),
  },
};

const parquet = () => {
  const many = Array.from({ length: 30 }, (_, i) => i);
  return Buffer.from(
    parquetWriteBuffer({
      rowGroupSize: 12,
      columnData: [
        { name: 'text', data: many.map((i) => `text ${i % 7}`), type: 'STRING' },
        { name: 'label', data: many.map((i) => i % 2), type: 'INT32' },
      ],
    }),
  );
};
async function imageParquet(): Promise<Buffer> {
  const many = Array.from({ length: 12 }, (_, i) => i);
  const data = await Promise.all(
    many.map(async (i) => ({ bytes: await png(20 * i, 7, 9), path: `${i}.png` })),
  );
  return Buffer.from(
    parquetWriteBuffer({
      schema: [
        { name: 'schema', num_children: 2, repetition_type: 'REQUIRED' },
        { name: 'image', num_children: 2, repetition_type: 'OPTIONAL' },
        { name: 'bytes', type: 'BYTE_ARRAY', repetition_type: 'OPTIONAL' },
        { name: 'path', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
        { name: 'label', type: 'INT64', repetition_type: 'OPTIONAL' },
      ],
      columnData: [
        { name: 'image', data },
        { name: 'label', data: many.map((i) => BigInt(i % 2)) },
      ],
      rowGroupSize: 5,
    }),
  );
}
const json = (value: object) => Buffer.from(JSON.stringify(value));
const inFolder = (some: Record<string, Buffer>) =>
  Object.fromEntries(Object.entries(some).map(([name, content]) => [`d/${name}`, content]));
