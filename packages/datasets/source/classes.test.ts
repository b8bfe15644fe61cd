import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { chosenClasses, classOptions, withClasses } from './classes.ts';
import { datasets } from './index.ts';
import { memoryDataset } from './memory-dataset.ts';
import { allInputs } from './testing/all-inputs.ts';
import { idxFile, npyFile, zipFile } from './testing/array-files.ts';
import { contextIn, errorOf, png, temporaryFolder, writeFiles } from './testing/fixtures.ts';

const found = ['car', 'cat', 'dog'];

test('classes are put in order, left out, and merged', () => {
  const chosen = (choice: Parameters<typeof chosenClasses>[1]) => {
    const { classes, indices } = chosenClasses(found, choice);
    return [classes, [...indices]];
  };
  expect(chosen(undefined)).toEqual([found, [0, 1, 2]]);
  expect(chosen(['dog', 'car'])).toEqual([
    ['dog', 'car'],
    [1, -1, 0],
  ]);
  expect(chosen({ thing: ['car'], animal: ['dog', 'cat'] })).toEqual([
    ['thing', 'animal'],
    [0, 1, 1],
  ]);
});

test.each([
  [['dog', 'cet'], '/dataset/classes/1', 'cet', 'is no class of the data; did you mean "cat"?'],
  [{ a: ['dog'], b: ['car', 'bicycle'] }, '/dataset/classes/b/1', 'bicycle', 'is no class of the data'],
])('an unknown class of %j is refused with its place', (choice, path, value, message) => {
  expect(() => chosenClasses(found, choice)).toThrow(
    expect.objectContaining({
      code: 'data_error',
      fields: [{ path, value, message, allowed: found }],
    }),
  );
});

test('a choice names each class once, and two or more', () => {
  const { success, error } = z.object(classOptions).safeParse({ classes: { a: ['x', 'y'], b: ['x'] } });
  expect([success, error?.issues[0].message]).toEqual([false, 'must name each class once']);
  for (const classes of [['x', 'x'], ['x'], { a: ['x', 'y'] }, { a: ['x'], b: [] }])
    expect(z.object(classOptions).safeParse({ classes }).success).toBe(false);
});

test('a data set in memory keeps the inputs of its labels, and another choice is another data set', async () => {
  const labels = Int32Array.of(0, 1, 2, 0, 1, 2);
  const inputs = Uint8Array.of(0, 1, 2, 3, 4, 5);
  const about = {
    classes: found,
    shape: [1, 1, 1] as [number, number, number],
    skipped: { count: 0, first: [] },
    normalization: { mean: [0], std: [1] },
  };
  const whole = await memoryDataset(
    about,
    { train: { inputs, labels }, test: { inputs, labels } },
    undefined,
  );
  const some = withClasses(whole, ['dog', 'car']);
  expect([some.classes, [...some.train.labels]]).toEqual([
    ['dog', 'car'],
    [1, 0, 1, 0],
  ]);
  expect([...(await allInputs(some.test))]).toEqual([0, 2, 3, 5]);
  const digests = [
    whole,
    some,
    withClasses(whole, ['car', 'dog']),
    withClasses(whole, { dog: ['dog'], x: ['car'] }),
  ];
  expect(new Set(digests.map(({ digest }) => digest)).size).toBe(4);
  expect(withClasses(whole, undefined)).toBe(whole);
});

const names = ['a', 'b', 'c'];
const lines = (header: string, row: (at: number, name: string) => string) =>
  Buffer.from(`${header}\n${Array.from({ length: 30 }, (_, at) => `${row(at, names[at % 3])}\n`).join('')}`);
const pixels = Buffer.from(Array.from({ length: 30 }, (_, at) => at % 3));

/** Thirty samples of three classes in turn for each source. */
const sources: [string, object, () => Promise<Record<string, Buffer>> | Record<string, Buffer>][] = [
  [
    'image_folder',
    { path: 'set' },
    async () =>
      Object.fromEntries(
        await Promise.all(
          Array.from({ length: 30 }, async (_, at) => [
            `set/${names[at % 3]}/${at}.png`,
            await png(at % 3, 0, 0, 1, 1),
          ]),
        ),
      ),
  ],
  [
    'image_table',
    { path: 'list.csv', size: [1, 1] },
    async () => ({
      'list.csv': lines('image,label', (at, name) => `${at}.png,${name}`),
      ...Object.fromEntries(
        await Promise.all(
          Array.from({ length: 30 }, async (_, at) => [`${at}.png`, await png(at % 3, 0, 0, 1, 1)]),
        ),
      ),
    }),
  ],
  [
    'text_csv',
    { path: 't.csv', length: 1 },
    () => ({ 't.csv': lines('text,label', (_, name) => `word${name},${name}`) }),
  ],
  ['table', { path: 't.csv' }, () => ({ 't.csv': lines('x,label', (at, name) => `${at % 3},${name}`) })],
  [
    'idx',
    { path: 'set', classNames: names },
    () => ({
      'set/train-images-idx3-ubyte': idxFile([30, 1, 1], pixels),
      'set/train-labels-idx1-ubyte': idxFile([30], pixels),
    }),
  ],
  [
    'npz',
    { path: 'set.npz', classNames: names },
    () => ({
      'set.npz': zipFile({
        'x.npy': npyFile('|u1', [30, 1, 1], pixels),
        'y.npy': npyFile('|u1', [30], pixels),
      }),
    }),
  ],
];

test.each(sources)('%s reads the chosen classes alone', async (source, options, files) => {
  const context = await contextIn(await temporaryFolder());
  await writeFiles(context.roots[0], await files());
  const kind = datasets.get(source);
  const choose = (classes: unknown) => kind.options.parse({ ...options, testFraction: 0.2, classes });
  // The same keys in another order make another list of classes.
  for (const classes of [['c', 'a'], { c: ['c'], ab: ['a', 'b'] }, { ab: ['b', 'a'], c: ['c'] }]) {
    const choice = choose(classes);
    const wanted = Array.isArray(classes) ? classes : Object.keys(classes);
    const size = Array.isArray(classes) ? 20 : 30;
    const outline = await kind.outline(choice, context);
    const set = await kind.load(choice, context);
    expect([outline.classes, set.classes]).toEqual([wanted, wanted]);
    expect([set.train.count, set.test.count]).toEqual([outline.trainCount, outline.testCount]);
    expect(set.train.count + set.test.count).toBe(size);
    // Equal inputs have equal labels.
    for (const split of [set.train, set.test]) {
      const inputs = await allInputs(split);
      const width = inputs.length / split.count;
      const labels = new Map<string, Set<number>>();
      for (const [at, label] of split.labels.entries()) {
        const input = inputs.subarray(at * width, (at + 1) * width).join();
        labels.set(input, (labels.get(input) ?? new Set()).add(label));
      }
      expect([...labels.values()].map(({ size: count }) => count)).toEqual(
        Array.from({ length: Array.isArray(classes) ? 2 : 3 }, () => 1),
      );
    }
  }
  for (const read of [kind.outline, kind.load]) {
    expect(await errorOf(read(choose(['a', 'x']), context))).toMatchObject({
      code: 'data_error',
      fields: [{ path: '/dataset/classes/1', value: 'x', allowed: names }],
    });
  }
});

test('the outlines of CIFAR count the chosen classes', async () => {
  const context = await contextIn(join(await temporaryFolder(), 'x'));
  for (const [source, classes, counts] of [
    ['cifar10', { pet: ['cat', 'dog'], car: ['automobile'] }, [15_000, 3000]],
    ['cifar100', ['bee', 'beetle'], [1000, 200]],
  ] as const) {
    const kind = datasets.get(source);
    const { trainCount, testCount } = await kind.outline(kind.options.parse({ classes }), context);
    expect([trainCount, testCount]).toEqual(counts);
  }
});
