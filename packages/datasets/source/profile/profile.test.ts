import { join } from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { datasets } from '../index.ts';
import { zipFile } from '../testing/array-files.ts';
import { contextIn, png, temporaryFolder, writeFiles } from '../testing/fixtures.ts';
import { profileDataset } from './profile.ts';

async function profiled(files: Record<string, Buffer>, given: object) {
  const context = await contextIn(await temporaryFolder());
  await writeFiles(context.roots[0], files);
  const choice = datasets.schema.parse(given);
  return await profileDataset(datasets.get(choice.source), choice, context);
}

test('describes an archive of images', async () => {
  const entries: Record<string, Buffer> = {};
  for (let i = 0; i < 30; i++) entries[`train/dark/${i}.png`] = await png(i, 0, 0, 4, 4);
  for (let i = 0; i < 3; i++) entries[`train/light/${i}.png`] = await png(255, 255, 250 - i, 4, 4);
  entries['test/dark/same.png'] = await png(3, 0, 0, 4, 4);
  entries['test/dark/new.png'] = await png(100, 0, 0, 8, 4);
  entries['test/light/contradicts.png'] = await png(5, 0, 0, 4, 4);
  entries['train/dark/broken.png'] = Buffer.from('no image');
  const found = await profiled(
    { 'set.zip': zipFile(entries) },
    { source: 'image_folder', path: 'set.zip', size: [4, 4] },
  );
  expect(found).toMatchObject({
    inputs: 'image',
    shape: [4, 4, 3],
    classes: ['dark', 'light'],
    splits: { train: [30, 3], test: [2, 1] },
    bytes: 36 * 48,
    sizes: {
      smallest: [4, 4],
      largest: [4, 8],
      most: [
        { size: [4, 4], count: 35 },
        { size: [4, 8], count: 1 },
      ],
    },
    lengths: null,
    duplicates: {
      train: 0,
      test: 0,
      leaks: 2,
      conflicts: 1,
      examples: [
        {
          first: { split: 'train', name: 'train/dark/3.png' },
          second: { split: 'test', name: 'test/dark/same.png' },
        },
        {
          first: { split: 'train', name: 'train/dark/5.png' },
          second: { split: 'test', name: 'test/light/contradicts.png' },
        },
      ],
    },
    skipped: { count: 1, first: [{ name: 'train/dark/broken.png', reason: expect.any(String) }] },
    warnings: [
      '2 of 3 test samples equal a training sample: the accuracy counts what was learned by heart; remove them from one of the splits',
      '1 samples equal one of another class: their labels contradict each other, so at most one of them is right',
      'the classes are out of balance: "dark" has 30 training samples, "light" has 3',
    ],
  });
  const reds = [...Array.from({ length: 30 }, (_, i) => i), 255, 255, 255].map((value) => value / 255);
  const mean = reds.reduce((a, b) => a + b) / 33;
  const std = Math.sqrt(reds.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 33);
  expect(found.channels.map(({ name }) => name)).toEqual(['red', 'green', 'blue']);
  expect(found.channels[0].mean).toBeCloseTo(mean, 10);
  expect(found.channels[0].std).toBeCloseTo(std, 10);
  expect(found.preview.map(({ label }) => label)).toEqual(['dark', 'dark', 'light', 'light']);
  const image = Buffer.from(found.preview[2].image?.split(',')[1] ?? '', 'base64');
  const { data, info } = await sharp(image).raw().toBuffer({ resolveWithObject: true });
  expect([info.width, info.height, ...data.subarray(0, 3)]).toEqual([4, 4, 255, 255, 250]);
});

test('describes texts and tables', async () => {
  const rows = Array.from({ length: 40 }, (_, i) => `text ${i} of words,${i % 2 ? 'odd' : 'even'}\n`);
  const texts = await profiled(
    { 'a.csv': Buffer.from(`text,label\n${rows.join('')},even\n`) },
    { source: 'text_csv', path: 'a.csv', length: 6 },
  );
  expect(texts).toMatchObject({
    inputs: 'text',
    shape: [6],
    classes: ['even', 'odd'],
    lengths: { mean: 4, longest: 4, empty: 0 },
    sizes: null,
    channels: [],
    skipped: { count: 1, first: [{ name: 'a.csv, line 42', reason: expect.stringContaining('empty') }] },
    preview: expect.arrayContaining([
      { split: 'train', label: 'odd', text: expect.stringMatching(/^text .*of words/) },
    ]),
  });
  const numbers = Array.from({ length: 40 }, (_, i) => `${i},7,${i % 2 ? 'odd' : 'even'}\n`);
  const table = await profiled(
    { 'b.csv': Buffer.from(`x,same,label\n${numbers.join('')}`) },
    { source: 'table', path: 'b.csv' },
  );
  expect(table).toMatchObject({
    inputs: 'table',
    shape: [2],
    channels: [{ name: 'x' }, { name: 'same', mean: 7, std: 0 }],
  });
  expect(table.warnings).toEqual(['always the same number, from which nothing can be learned: same']);
  const [first] = table.preview;
  expect(first.values?.same).toBe(7);
  expect(Number(first.values?.x) % 2).toBe(first.label === 'odd' ? 1 : 0);
});

test('refuses data that cannot be used, with the line', async () => {
  const row = 'text,label\na,x\nb,y,more\nc,x,more\nd,y,more\n';
  await expect(
    profiled({ [join('sub', 'c.csv')]: Buffer.from(row) }, { source: 'text_csv', path: 'sub/c.csv' }),
  ).rejects.toMatchObject({ code: 'data_error', message: expect.stringContaining('line 3') });
});
