import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { randomStream } from '@distillery/engine/random';
import { DistilleryError } from '@distillery/spec';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { expect, test } from 'vitest';
import { datasets } from '../index.ts';
import { cifarPickle, cifarRecord, idxFile, npyFile, zipFile } from '../testing/array-files.ts';
import { contextIn, tarOf, temporaryFolder, writeFiles } from '../testing/fixtures.ts';
import { mutated } from '../testing/mutated.ts';
import { syntheticTable } from '../testing/synthetic-arrays.ts';
import { syntheticTexts } from '../testing/synthetic-texts.ts';
import { byteLevelFile, wordPieceFile } from '../testing/tokenizer-files.ts';

/** The number of damaged files of each kind; set FUZZ_FILES for more. */
const files = Number(process.env.FUZZ_FILES ?? 60);
/** A load that takes longer hangs: a whole one takes some milliseconds. */
const patience = 60_000;

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

/** Whole files with the job's choice. `damage` is the one that is damaged. */
const kinds: Record<
  string,
  { damage: string; choice: object; files: () => Promise<Record<string, Buffer>> }
> = {
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
const json = (value: object) => Buffer.from(JSON.stringify(value));
const inFolder = (some: Record<string, Buffer>) =>
  Object.fromEntries(Object.entries(some).map(([name, content]) => [`d/${name}`, content]));

test.each(Object.entries(kinds))(
  'damaged %s is read or refused, without a crash or a hang',
  { timeout: 60_000 + 400 * files },
  async (name, { damage, choice, files: make }) => {
    const folder = await temporaryFolder();
    const context = await contextIn(folder);
    const spec = datasets.schema.parse(choice);
    const kind = datasets.get(spec.source);
    const whole = await make();
    const outcomes = { read: 0, refused: 0 };
    for (let index = 0; index <= files; index++) {
      const stream = randomStream(1, 'fuzz', name, index);
      // The first file is whole.
      const damaged = index === 0 ? whole[damage] : mutated(whole[damage], stream);
      await writeFiles(context.roots[0], { ...whole, [damage]: damaged });
      for (const step of [kind.outline, kind.load]) {
        const signal = AbortSignal.timeout(patience);
        const error: unknown = await step(spec, { ...context, signal }).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        const where = `file ${index}: ${error instanceof Error ? error.stack : String(error)}`;
        if (error !== undefined) expect(error, where).toBeInstanceOf(DistilleryError);
        if (error !== undefined) expect((error as DistilleryError).code, where).toBe('data_error');
        outcomes[error === undefined ? 'read' : 'refused']++;
        if (index === 0) expect(error, where).toBeUndefined();
      }
      await rm(context.cacheDir, { recursive: true, force: true });
    }
    expect(outcomes.refused).toBeGreaterThan(0);
    // Nothing is written beside the cache.
    expect((await readdir(folder)).sort()).toEqual(['data']);
    expect((await readdir(join(folder, 'data'), { recursive: true })).length).toBeLessThanOrEqual(3);
  },
);
