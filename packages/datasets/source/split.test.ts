import { expect, test } from 'vitest';
import { memorySplit } from './memory-dataset.ts';
import { splitValidation, trainingCounts, trainingIndices } from './split.ts';

const labels = Int32Array.from({ length: 100 }, (_, i) => (i < 60 ? 0 : i < 90 ? 1 : 2));

test('holds out the same share of each class, and uses every index once', () => {
  const { train, validation } = splitValidation(100, labels, 0.1, 7);
  const taken = [0, 1, 2].map((label) => validation.filter((index) => labels[index] === label).length);
  expect(taken).toEqual([6, 3, 1]);
  expect([...train, ...validation].sort((a, b) => a - b)).toEqual([...Array(100).keys()]);
  expect([...train]).toEqual([...train].sort((a, b) => a - b));
  expect([...validation]).toEqual([...validation].sort((a, b) => a - b));
});

test('depends only on the seed', () => {
  const draw = (seed: number) => [...splitValidation(100, labels, 0.2, seed).validation];
  expect(draw(1)).toEqual(draw(1));
  expect(draw(1)).not.toEqual(draw(2));
  expect(draw(2 ** 32 + 1)).not.toEqual(draw(1));
});

test('a fraction of 0 holds out nothing; a class keeps its last image', () => {
  expect(splitValidation(100, labels, 0, 0).validation).toHaveLength(0);
  const { train, validation } = splitValidation(3, Int32Array.of(0, 1, 1), 0.9, 0);
  expect([train.length, validation.length]).toEqual([2, 1]);
});

test('refuses a fraction outside [0, 1) and labels of another count', () => {
  expect(() => splitValidation(100, labels, 1, 0)).toThrow('fraction');
  expect(() => splitValidation(100, labels, Number.NaN, 0)).toThrow('fraction');
  expect(() => splitValidation(99, labels, 0.1, 0)).toThrow('100 labels for 99 images');
});

test('a class can have very many samples', () => {
  const count = 400_000;
  const { train, validation } = splitValidation(count, new Int32Array(count), 0.5, 0);
  expect([train.length, validation.length]).toEqual([count / 2, count / 2]);
});

test('given validation samples replace a share of the training samples, unless none are wanted', () => {
  const described = { shape: [1], bytes: 1, digest: 'd' };
  const train = memorySplit({ inputs: new Uint8Array(100), labels }, described);
  const held = { fraction: 0.2, seed: 3 };
  // Samples without a class are held out of nothing, and only students train on them.
  const some = trainingIndices({ train, unlabeled: 40 }, held);
  expect({ train: some.train, validation: some.validation }).toEqual(
    splitValidation(60, labels.subarray(0, 60), 0.2, 3),
  );
  expect([...some.students]).toEqual([...some.train, ...Array.from({ length: 40 }, (_, at) => 60 + at)]);
  const between = trainingIndices({ train, unlabeled: 40, validation: 10 }, held);
  expect([between.train.length, ...between.validation]).toEqual([50, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59]);
  expect(between.students).toHaveLength(90);
  expect(trainingIndices({ train }, held)).toMatchObject(splitValidation(100, labels, 0.2, 3));
  const given = trainingIndices({ train, validation: 30 }, held);
  expect([...given.train, ...given.validation]).toEqual([...Array(100).keys()]);
  expect([given.train.length, given.validation[0]]).toEqual([70, 70]);
  const none = trainingIndices({ train, validation: 30 }, { fraction: 0, seed: 0 });
  expect([none.train.length, none.validation.length]).toEqual([70, 0]);
  expect(trainingCounts({ trainCount: 100, validation: 30 }, held)).toMatchObject({
    train: 70,
    validation: 30,
  });
  expect(trainingCounts({ trainCount: 100, unlabeled: 20 }, held)).toEqual({
    train: 64,
    validation: 16,
    students: 84,
  });
  expect(trainingCounts({ trainCount: 100 }, held)).toMatchObject({ train: 80, validation: 20 });
});
