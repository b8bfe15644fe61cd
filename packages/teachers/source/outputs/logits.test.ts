import { expect, test } from 'vitest';
import { type GivenArray, type GivenSplit, splitOf } from './arrays.ts';
import { logitsOf } from './logits.ts';

const array = (shape: number[], data: number[]): GivenArray => ({ shape, data });
const given = (arrays: Record<string, GivenArray>) => ({
  digest: '',
  size: 0,
  arrays: new Map(Object.entries(arrays)),
});
const split = (arrays: Record<string, GivenArray>) => splitOf(given(arrays), 'train') as GivenSplit;
const wanted = { count: 2, classes: 3 };

/** The softmax of each row of three. */
function shares(logits: Float32Array): number[] {
  return [0, 1].flatMap((row) => {
    const powers = [...logits.subarray(3 * row, 3 * row + 3)].map(Math.exp);
    return powers.map((power) => power / powers.reduce((sum, each) => sum + each, 0));
  });
}

test('logits are taken as they are, in the order of the samples or by their positions', () => {
  const train = array([2, 3], [1, 2, 3, 4, 5, 6]);
  expect([...logitsOf(split({ train }), 'logits', wanted)]).toEqual([1, 2, 3, 4, 5, 6]);
  const turned = split({ train, train_ids: array([2], [1, 0]) });
  expect([...logitsOf(turned, 'logits', wanted)]).toEqual([4, 5, 6, 1, 2, 3]);
});

test('probabilities become logits whose softmax they are, and their logarithms too', () => {
  const probabilities = [0.7, 0.2, 0.1, 0.5, 0.5, 0];
  const logits = logitsOf(split({ train: array([2, 3], probabilities) }), 'probabilities', wanted);
  shares(logits).forEach((share, i) => expect(share).toBeCloseTo(probabilities[i], 6));
  const logs = array([2, 3], probabilities.map(Math.log));
  shares(logitsOf(split({ train: logs }), 'log_probabilities', wanted)).forEach((share, i) =>
    expect(share).toBeCloseTo(probabilities[i], 6),
  );
});

test('what the largest probabilities leave is spread over the other classes', () => {
  const few = split({
    train_values: array([2, 1], [0.8, 0.5]),
    train_indices: array([2, 1], [2, 0]),
  });
  const found = shares(logitsOf(few, 'probabilities', wanted));
  [0.1, 0.1, 0.8, 0.5, 0.25, 0.25].forEach((share, i) => expect(found[i]).toBeCloseTo(share, 6));
});

test.each<[string, Record<string, GivenArray>, 'logits' | 'probabilities', string]>([
  [
    'too few rows',
    { train: array([1, 3], [1, 2, 3]) },
    'logits',
    'has 1 rows for the train split, but the data set has 2 samples in it',
  ],
  [
    'other classes',
    { train: array([2, 2], [1, 2, 3, 4]) },
    'logits',
    'has 2 classes for the train split, expected 3',
  ],
  [
    'a number that is none',
    { train: array([2, 3], [1, 2, 3, 4, Number.NaN, 6]) },
    'logits',
    'has NaN for class 1 in train row 1, expected a finite number',
  ],
  [
    'logits called probabilities',
    { train: array([2, 3], [1, 0, 0, 4, 5, 6]) },
    'probabilities',
    'has 4 for class 0 in train row 1, which is not one of probabilities',
  ],
  [
    'a sum below 1',
    { train: array([2, 3], [1, 0, 0, 0.2, 0.2, 0.2]) },
    'probabilities',
    'in train row 1 that sum to 0.6',
  ],
  [
    'the largest logits',
    { train_values: array([2, 1], [3, 4]), train_indices: array([2, 1], [0, 1]) },
    'logits',
    'give probabilities',
  ],
  [
    'a class that does not exist',
    { train_values: array([2, 1], [0.3, 0.4]), train_indices: array([2, 1], [0, 3]) },
    'probabilities',
    'has the class 3 in train row 1, expected 0 to 2',
  ],
  [
    'a class twice',
    { train_values: array([2, 2], [0.3, 0.4, 0.1, 0.2]), train_indices: array([2, 2], [0, 1, 2, 2]) },
    'probabilities',
    'has the class 2 twice in train row 1',
  ],
  [
    'an id twice',
    { train: array([2, 3], [1, 2, 3, 4, 5, 6]), train_ids: array([2], [1, 1]) },
    'logits',
    'has the id 1 twice in train_ids, again in row 1',
  ],
  [
    'an id outside',
    { train: array([2, 3], [1, 2, 3, 4, 5, 6]), train_ids: array([2], [0, 2]) },
    'logits',
    'has the id 2 in row 1 of train_ids, expected a position from 0 to 1',
  ],
])('%s are refused', (_, arrays, kind, message) => {
  expect(() => logitsOf(split(arrays), kind, wanted)).toThrow(message);
});

test('arrays that do not belong together are refused', () => {
  expect(() => split({ train_values: array([2, 1], [1, 2]) })).toThrow('no train_indices');
  expect(() => split({ train: array([6], [1, 2, 3, 4, 5, 6]) })).toThrow('[6], expected [samples, classes]');
  const indices = array([2, 2], [0, 1, 0, 1]);
  expect(() => split({ train_values: array([2, 1], [1, 2]), train_indices: indices })).toThrow('[2,2]');
  expect(splitOf(given({}), 'test')).toBeUndefined();
});
