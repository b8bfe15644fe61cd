import { readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { expect, test } from 'vitest';
import type { Dataset } from '../dataset.ts';
import { recognise } from '../recognise.ts';
import { allInputs } from '../testing/all-inputs.ts';
import { contextIn, errorOf, temporaryFolder, writeFiles } from '../testing/fixtures.ts';
import { imageParquet } from './image-parquet.ts';

/** Thirteen images of two classes in turn, the red of image i is i; the last one is only a path. Written by pyarrow. */
const written = () => readFile(join(import.meta.dirname, '../testing/images/hugging-face-path.parquet'));
const choose = (options: object = {}) => imageParquet.options.parse({ path: 'set', ...options });
const reds = async (split: Dataset['train']) => [...(await allInputs(split))].filter((_, i) => i % 36 === 0);

async function withFiles(names: readonly string[], more: Record<string, Buffer> = {}) {
  const context = await contextIn(await temporaryFolder());
  const bytes = await written();
  await writeFiles(context.roots[0], { ...Object.fromEntries(names.map((name) => [name, bytes])), ...more });
  return context;
}

test('splits by the names of files, and classes in the order of Hugging Face', async () => {
  const context = await withFiles([
    'set/data/train-00000-of-00002.parquet',
    'set/data/train-00001-of-00002.parquet',
    'set/data/validation-00000-of-00001.parquet',
    'set/data/test-00000-of-00001.parquet',
    'set/data/extra.parquet',
  ]);
  const outline = await imageParquet.outline(choose(), context);
  expect(outline).toEqual({
    classes: ['zebra', 'ant'],
    shape: [3, 4, 3],
    trainCount: 39,
    validation: 13,
    testCount: 13,
  });
  const set = await imageParquet.load(choose(), context);
  expect([set.classes, set.train.count, set.validation, set.test.count]).toEqual([
    ['zebra', 'ant'],
    36,
    12,
    12,
  ]);
  const twelve = Array.from({ length: 12 }, (_, at) => at);
  expect(await reds(set.test)).toEqual(twelve);
  expect(await reds(set.train)).toEqual([...twelve, ...twelve, ...twelve]);
  expect([...set.test.labels]).toEqual(twelve.map((at) => at % 2));
  expect(set.skipped.count).toBe(4);
  expect(set.skipped.first[0]).toEqual({
    name: 'data/test-00000-of-00001.parquet, row 13',
    reason: 'holds no image, only the path 12.png',
  });
  expect(await imageParquet.outline(choose(), context)).toMatchObject({
    trainCount: 36,
    validation: 12,
    testCount: 12,
  });
});

test('one file, a range of names, and links of a cache', async () => {
  const context = await withFiles(['a-0.parquet', 'a-1.parquet', 'blobs/x']);
  const one = await imageParquet.load(choose({ path: 'a-0.parquet', testFraction: 0.5 }), context);
  expect([one.train.count + one.test.count, one.validation]).toEqual([12, undefined]);
  const range = await imageParquet.load(
    choose({ path: 'a-{0..1}.parquet', size: [1, 1], classes: ['ant', 'zebra'] }),
    context,
  );
  expect([range.classes, range.train.count + range.test.count]).toEqual([['ant', 'zebra'], 24]);
  await writeFiles(join(context.roots[0], 'cache'), { 'README.md': Buffer.from('x') });
  await symlink('../blobs/x', join(context.roots[0], 'cache/train.parquet'));
  const linked = await imageParquet.outline(choose({ path: 'cache' }), context);
  expect(linked.trainCount + linked.testCount).toBe(13);
});

test('other columns, and a folder without files, are refused by name', async () => {
  const plain = Buffer.from(
    parquetWriteBuffer({ columnData: [{ name: 'text', data: ['a'], type: 'STRING' }] }),
  );
  const context = await withFiles(['set/train.parquet'], {
    'plain.parquet': plain,
    'broken/x.parquet': Buffer.from('PAR1 no more'),
    'none/readme.txt': Buffer.from('x'),
  });
  expect(await errorOf(imageParquet.load(choose({ image: 'picture' }), context))).toMatchObject({
    fields: [{ path: '/dataset/image', value: 'picture', allowed: ['image'] }],
  });
  expect(await errorOf(imageParquet.outline(choose({ label: 'class' }), context))).toMatchObject({
    fields: [{ path: '/dataset/label', value: 'class', allowed: ['label'] }],
  });
  expect(await errorOf(imageParquet.load(choose({ path: 'plain.parquet' }), context))).toMatchObject({
    fields: [{ path: '/dataset/image', allowed: [] }],
  });
  for (const [path, message] of [
    ['broken', 'x.parquet is not a Parquet file that can be read'],
    ['none', 'holds no file'],
    ['train-{0..1}.parquet', 'does not exist'],
    ['train-{0..99999}.parquet', 'names 10001 files, more than 10000'],
  ]) {
    expect(await errorOf(imageParquet.outline(choose({ path }), context))).toMatchObject({
      code: 'data_error',
      message: expect.stringContaining(message),
      fields: [{ path: '/dataset/path' }],
    });
  }
});

test('a range in the path of a stored file names no other stored file', async () => {
  const context = await withFiles(['set.parquet']);
  const asked: string[] = [];
  const stored = (file: { digest: string }) => {
    asked.push(file.digest);
    return Promise.resolve(join(context.roots[0], 'set.parquet'));
  };
  const path = `stored:{${'0'.repeat(8)}..${'0'.repeat(7)}9}${'a'.repeat(56)}/set.parquet`;
  await errorOf(imageParquet.outline(choose({ path }), { ...context, stored }));
  expect(asked).toEqual([]);
});

test('an uploaded file is recognised', async () => {
  const { roots } = await withFiles(['pets.parquet']);
  expect(await recognise(join(roots[0], 'pets.parquet'))).toEqual({
    source: 'image_parquet',
    options: { image: 'image', label: 'label' },
  });
});
