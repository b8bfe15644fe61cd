import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { decodedOnce } from '../decoded.ts';
import { datasets } from '../index.ts';
import { png, tarOf, writeFiles } from '../testing/fixtures.ts';
import { describeSource, type SourceFixture } from '../testing/source-suite.ts';
import { cifarRecord, idxFile, npyFile, zipFile } from '../testing/array-files.ts';
import { syntheticTexts } from '../testing/synthetic-texts.ts';
import { downloadFingerprint } from './cifar10.ts';

/** Small data for each source. A new source needs an entry here to be tested. */
const fixtures: Record<string, SourceFixture> = {
  webdataset: {
    options: { path: 'set.tar', testFraction: 0.3 },
    async prepare({ roots: [root] }) {
      const samples = await Promise.all(
        Array.from(
          { length: 10 },
          async (_, at): Promise<[string, Buffer][]> => [
            [`${at}.png`, await png(at, 20, 30)],
            [`${at}.cls`, Buffer.from(`${at % 2}`)],
          ],
        ),
      );
      await writeFiles(root, { 'set.tar': await tarOf(samples.flat(), { gzip: false }) });
    },
  },
  image_parquet: {
    options: { path: 'set.parquet', testFraction: 0.3 },
    async prepare({ roots: [root] }) {
      const parquet = await readFile(join(import.meta.dirname, '../testing/images/hugging-face.parquet'));
      await writeFiles(root, { 'set.parquet': parquet });
    },
  },
  cifar10: {
    options: { trainLimit: 12, testLimit: 6 },
    // The digest of a part of a data set derives from that of the whole.
    derivedDigest: true,
    // A decoded copy of an earlier job: the archive itself is a download of 170 MB.
    async prepare(context) {
      await decodedOnce(downloadFingerprint, context, async ({ train, test: held }) => {
        const image = (index: number) => Uint8Array.from({ length: 3072 }, (_, i) => (i * 3 + index) & 255);
        for (let index = 0; index < 20; index++) train.put(index, index % 10, image(index));
        for (let index = 0; index < 10; index++) held.put(index, index, image(100 + index));
        return {
          classes: 'airplane automobile bird cat deer dog frog horse ship truck'.split(' '),
          shape: [32, 32, 3],
          skipped: { count: 0, first: [] },
          normalization: { mean: [0, 0, 0], std: [1, 1, 1] },
        };
      });
    },
  },
  cifar100: {
    options: { path: 'cifar.tar.gz', labels: 'coarse' },
    async prepare({ roots: [root] }) {
      const records = (count: number) =>
        Buffer.concat(Array.from({ length: count }, (_, i) => cifarRecord([i % 20, i], 3 * i)));
      const archive = await tarOf([
        ['train.bin', records(30)],
        ['test.bin', records(10)],
      ]);
      await writeFiles(root, { 'cifar.tar.gz': archive });
    },
  },
  idx: {
    options: { path: 'digits', trainLimit: 30 },
    derivedDigest: true,
    async prepare({ roots: [root] }) {
      const pixels = (count: number, first: number) =>
        Buffer.from(Array.from({ length: count * 42 }, (_, i) => (i * 5 + first) & 255));
      await writeFiles(join(root, 'digits'), {
        'train-images-idx3-ubyte': idxFile([40, 7, 6], pixels(40, 0)),
        'train-labels-idx1-ubyte.gz': gzipSync(
          idxFile([40], Buffer.from(Array.from({ length: 40 }, (_, i) => i % 4))),
        ),
        't10k-images-idx3-ubyte.gz': gzipSync(idxFile([8, 7, 6], pixels(8, 9))),
        't10k-labels-idx1-ubyte': idxFile([8], Buffer.from(Array.from({ length: 8 }, (_, i) => i % 4))),
      });
    },
  },
  image_folder: {
    options: { path: 'set', testFraction: 0.25 },
    async prepare({ roots: [root] }) {
      const files: Record<string, Buffer> = {};
      for (let i = 0; i < 12; i++) {
        files[`dark/${i}.png`] = await png(i, 2 * i, 3 * i);
        files[`light/${i}.png`] = await png(200 + i, 220 + i, 240 + i);
      }
      await writeFiles(join(root, 'set'), files);
    },
  },
  image_table: {
    options: { path: 'list.csv', size: [3, 4], split: 'part' },
    async prepare({ roots: [root] }) {
      const files: Record<string, Buffer> = {};
      const rows: string[] = [];
      for (let i = 0; i < 24; i++) {
        files[`pictures/${i}.png`] = await png(10 * i, 2 * i, 255 - i);
        rows.push(`pictures/${i}.png,${i % 2 ? 'odd' : 'even'},${i < 16 ? 'train' : 'test'}\n`);
      }
      await writeFiles(root, { ...files, 'list.csv': Buffer.from(`image,label,part\n${rows.join('')}`) });
    },
  },
  npz: {
    options: { path: 'set.npz', layout: 'nchw' },
    async prepare({ roots: [root] }) {
      const images = Buffer.from(Array.from({ length: 40 * 60 }, (_, i) => (i * 5) & 255));
      const labels = Buffer.from(Array.from({ length: 40 }, (_, i) => i % 3));
      await writeFiles(root, {
        'set.npz': zipFile({
          'images.npy': npyFile('|u1', [40, 3, 4, 5], images),
          'labels.npy': npyFile('|u1', [40], labels),
        }),
      });
    },
  },
  shapes: { options: { trainCount: 30, testCount: 10, seed: 3 } },
  table: {
    options: { path: 'table.csv', label: 'kind' },
    async prepare({ roots: [root] }) {
      const rows = Array.from(
        { length: 40 },
        (_, i) => `${i % 3 === 0 ? '' : i / 3},${'abc'[i % 3]},${-i}\n`,
      );
      await writeFiles(root, { 'table.csv': Buffer.from(`x,kind,y\n${rows.join('')}`) });
    },
  },
  text_csv: {
    options: { path: 'set.csv', length: 9, tokenizer: { type: 'byte_pair', vocabulary: 300 } },
    async prepare({ roots: [root] }) {
      await writeFiles(root, { 'set.csv': Buffer.from(syntheticTexts(1200)) });
    },
  },
};

/** A service puts another source in place of an id, so `uploaded` itself reads nothing. */
const reading = datasets.list.filter(({ type }) => type !== 'uploaded');
for (const kind of reading) describeSource(kind, fixtures[kind.type] ?? { options: {} });

test('every source has a fixture', () => {
  expect(Object.keys(fixtures).sort()).toEqual(reading.map(({ type }) => type).sort());
});
