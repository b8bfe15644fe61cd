import { expect, test } from 'vitest';
import { z } from 'zod';
import { heldOutOptions, heldOutSamples } from './held-out.ts';
import { datasets } from './index.ts';
import { layoutOf } from './images/image-layout.ts';
import { splitValidation } from './split.ts';
import { allInputs } from './testing/all-inputs.ts';
import { idxFile } from './testing/array-files.ts';
import { contextIn, errorOf, png, temporaryFolder, writeFiles } from './testing/fixtures.ts';

const labels = Int32Array.from({ length: 47 }, (_, at) => (at < 30 ? 0 : at < 40 ? 1 : at < 46 ? 2 : 3));

test('without folds a seeded share of each class is held out', () => {
  const held = (testSeed?: number) => [...heldOutSamples(labels, { testFraction: 0.2, testSeed })];
  expect(held()).toEqual([...splitValidation(47, labels, 0.2, 1).validation]);
  expect(held(7)).toEqual(held(7));
  expect(held(7)).not.toEqual(held());
});

test('folds divide each class evenly, and hold out each sample once, but for the only one of a class', () => {
  const folds = [0, 1, 2, 3, 4].map((index) =>
    heldOutSamples(labels, { testFraction: 0.1, folds: { count: 5, index } }),
  );
  expect(folds.flatMap((fold) => [...fold]).sort((a, b) => a - b)).toEqual([...Array(46).keys()]);
  for (const fold of folds) {
    expect([...fold]).toEqual([...fold].sort((a, b) => a - b));
    const counts = [0, 1, 2].map((label) => fold.filter((at) => labels[at] === label).length);
    expect([counts[0], counts[1]]).toEqual([6, 2]);
    expect(counts[2]).toBeGreaterThanOrEqual(1);
    expect(fold.length).toBeLessThanOrEqual(10);
  }
  const other = heldOutSamples(labels, { testFraction: 0.1, testSeed: 9, folds: { count: 5, index: 0 } });
  expect([...other]).not.toEqual([...folds[0]]);
});

test('a fold is one of the count', () => {
  const schema = z.object(heldOutOptions);
  expect(schema.safeParse({ folds: { count: 3, index: 2 } }).success).toBe(true);
  expect(schema.safeParse({ folds: { count: 3, index: 3 } }).error?.issues[0]).toMatchObject({
    path: ['folds', 'index'],
    message: 'must be below the number of folds',
  });
});

test('folds of folders of images depend on names alone', () => {
  const names = ['a', 'b'].flatMap((name) => Array.from({ length: 9 }, (_, at) => `${name}/${at}.png`));
  const fold = (index: number, testSeed?: number) =>
    layoutOf({ names }, { testFraction: 0.1, testSeed, folds: { count: 3, index } }).test.map(
      ({ name }) => name,
    );
  expect([0, 1, 2].flatMap((index) => fold(index)).sort()).toEqual([...names].sort());
  expect(fold(0)).toHaveLength(6);
  expect(fold(0, 5)).not.toEqual(fold(0));
  const seeded = (testSeed?: number) => layoutOf({ names }, { testFraction: 0.3, testSeed }).test;
  expect(seeded(5)).not.toEqual(seeded());
});

const lines = Array.from({ length: 30 }, (_, at) => `${at},${'ab'[at % 2]}\n`).join('');
const pixels = Buffer.from(Array.from({ length: 30 }, (_, at) => at));
const images = async (prefix: string) =>
  Object.fromEntries(
    await Promise.all(
      Array.from(
        { length: 30 },
        async (_, at) => [`${prefix}${'ab'[at % 2]}/${at}.png`, await png(at, 0, 0, 1, 1)] as const,
      ),
    ),
  );

test.each<[string, object, () => Promise<Record<string, Buffer>>]>([
  ['image_folder', { path: 'set' }, () => images('set/')],
  ['table', { path: 't.csv' }, async () => ({ 't.csv': Buffer.from(`x,label\n${lines}`) })],
  [
    'image_table',
    { path: 'list.csv', size: [1, 1] },
    async () => ({
      'list.csv': Buffer.from(
        `image,label\n${Array.from({ length: 30 }, (_, at) => `${'ab'[at % 2]}/${at}.png,${'ab'[at % 2]}\n`).join('')}`,
      ),
      ...(await images('')),
    }),
  ],
  [
    'idx',
    { path: 'set' },
    async () => ({
      'set/train-images-idx3-ubyte': idxFile([30, 1, 1], pixels),
      'set/train-labels-idx1-ubyte': idxFile(
        [30],
        pixels.map((at) => at % 2),
      ),
    }),
  ],
])('%s tests every sample in one fold', async (source, options, files) => {
  const context = await contextIn(await temporaryFolder());
  await writeFiles(context.roots[0], await files());
  const kind = datasets.get(source);
  let tested = 0;
  const seen = new Set<string>();
  for (const index of [0, 1, 2]) {
    const choice = kind.options.parse({ ...options, folds: { count: 3, index } });
    const { test: held, train } = await kind.load(choice, context);
    expect(await kind.outline(choice, context)).toMatchObject({
      trainCount: train.count,
      testCount: held.count,
    });
    expect([train.count, held.count]).toEqual([20, 10]);
    tested += held.count;
    if (source === 'table') continue;
    const inputs = await allInputs(held);
    for (let at = 0; at < inputs.length; at += held.reader.bytes) seen.add(`${inputs[at]}`);
  }
  expect(tested).toBe(30);
  // Rows of a table are standardised by other rows in each fold.
  if (source !== 'table') expect(seen.size).toBe(30);
});

test('folds of data with a test split are refused', async () => {
  const context = await contextIn(await temporaryFolder());
  await writeFiles(context.roots[0], {
    't.csv': Buffer.from(`x,label\n${lines}`),
    ...(await images('set/train/')),
    ...(await images('set/test/')),
  });
  for (const [source, options] of [
    ['table', { path: 't.csv', testPath: 't.csv' }],
    ['image_folder', { path: 'set' }],
  ] as const) {
    const kind = datasets.get(source);
    const choice = kind.options.parse({ ...options, folds: { count: 3, index: 0 } });
    expect(await errorOf(kind.outline(choice, context))).toMatchObject({
      code: 'data_error',
      fields: [{ path: '/dataset/folds' }],
    });
  }
});
