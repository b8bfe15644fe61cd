import { startEngine } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { expectClose, expectGradient, expectNoLeak, sample } from '@distillery/engine/testing';
import { bound, lossOf } from '../testing/terms.ts';

beforeAll(() => startEngine());

const loss = (labels: number[], options: object = {}) =>
  lossOf('cross_entropy', options, 'logits', {}, { labels: tf.tensor1d(labels, 'int32') });

/** The formula in float64. */
function reference(logits: number[][], labels: number[], smoothing: number) {
  const rows = logits.map((z, row) => {
    const sum = z.reduce((total, value) => total + Math.exp(value), 0);
    const logs = z.map((value) => value - Math.log(sum));
    const target = z.map((_, k) => (k === labels[row] ? 1 - smoothing : 0) + smoothing / z.length);
    return -target.reduce((total, share, k) => total + share * logs[k], 0);
  });
  return rows.reduce((a, b) => a + b, 0) / rows.length;
}

test('equal logits give ln K, whatever the label', () => {
  expectClose(loss([0, 3])(tf.zeros([2, 4])), [Math.log(4)]);
});

test('by hand: −ln(3/4)', () => {
  expectClose(loss([0])(tf.tensor([[Math.log(3), 0]])), [-Math.log(0.75)]);
  // softmax − onehot
  expectClose(tf.grad(loss([0]))(tf.tensor([[Math.log(3), 0]])), [-0.25, 0.25]);
});

test.each([0, 0.1, 0.9])('equals the formula with smoothing %d', (labelSmoothing) => {
  const logits = [
    [1.5, -2, 0.25],
    [0, 0.5, -0.5],
    [-4, 2, 2],
  ];
  const labels = [2, 0, 1];
  const f = loss(labels, { labelSmoothing });
  expectClose(f(tf.tensor(logits)), [reference(logits, labels, labelSmoothing)]);
  expectGradient(f, [tf.tensor(logits)]);
});

test.each([0, 0.1])('weighs samples by their classes, with smoothing %d', (labelSmoothing) => {
  const logits = [
    [1.5, -2, 0.25],
    [0, 0.5, -0.5],
    [-4, 2, 2],
  ];
  const labels = [2, 0, 2];
  const weights = [3, 1, 0.5];
  const classWeights = tf.tensor1d(weights);
  const rest = { labels: tf.tensor1d(labels, 'int32'), classWeights };
  const f = lossOf('cross_entropy', { labelSmoothing }, 'logits', {}, rest);
  const each = logits.map((row, at) => weights[labels[at]] * reference([row], [labels[at]], labelSmoothing));
  const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);
  expectClose(f(tf.tensor(logits)), [sum(each) / sum(labels.map((label) => weights[label]))]);
  expectGradient(f, [tf.tensor(logits)]);
  expectNoLeak(() => tf.tidy(() => tf.grad(f)(tf.tensor(logits))));
  // A mixed sample has the weights of both its labels, in their shares.
  const mixed = { labels: tf.tensor1d([0, 0, 1], 'int32'), shares: tf.tensor1d([0.25, 1, 0.5]) };
  const own = [0.25 * 0.5 + 0.75 * 3, 3, 0.5 * 0.5 + 0.5 * 1];
  const one = lossOf('cross_entropy', {}, 'logits', {}, { ...rest, mixed });
  const plain = logits.map((row, at) => {
    const share = [0.25, 1, 0.5][at];
    return share * reference([row], [labels[at]], 0) + (1 - share) * reference([row], [[0, 0, 1][at]], 0);
  });
  expectClose(one(tf.tensor(logits)), [sum(plain.map((value, at) => own[at] * value)) / sum(own)]);
});

test.each([0, 0.1])('counts only samples with a class, with smoothing %d', (labelSmoothing) => {
  const logits = [
    [1.5, -2, 0.25],
    [0, 0.5, -0.5],
    [-4, 2, 2],
  ];
  const labels = tf.tensor1d([2, 0, 1], 'int32');
  const f = lossOf(
    'cross_entropy',
    { labelSmoothing },
    'logits',
    {},
    { labels, labelled: tf.tensor1d([1, 0, 1]) },
  );
  const kept = [logits[0], logits[2]];
  expectClose(f(tf.tensor(logits)), [reference(kept, [2, 1], labelSmoothing)]);
  expectGradient(f, [tf.tensor(logits)]);
  expectClose(tf.slice(tf.grad(f)(tf.tensor(logits)), [1, 0], [1, 3]), [0, 0, 0]);
  expectNoLeak(() => tf.tidy(() => tf.grad(f)(tf.tensor(logits))));
  // The weights of classes and those of samples multiply.
  const classWeights = tf.tensor1d([9, 1, 3]);
  const both = { labels, labelled: tf.tensor1d([1, 0, 1]), classWeights };
  const weighted = lossOf('cross_entropy', { labelSmoothing }, 'logits', {}, both);
  const [first, last] = [[logits[0]], [logits[2]]].map((row, at) =>
    reference(row, [[2], [1]][at], labelSmoothing),
  );
  expectClose(weighted(tf.tensor(logits)), [(3 * first + last) / 4]);
  // A batch without any class has no loss and no gradient.
  const none = lossOf('cross_entropy', { labelSmoothing }, 'logits', {}, { labels, labelled: tf.zeros([3]) });
  expectClose(none(tf.tensor(logits)), [0]);
  expectClose(tf.grad(none)(tf.tensor(logits)), Array(9).fill(0));
});

test('logits of ±1000 are not NaN', () => {
  const logits = tf.tensor([
    [1000, -1000],
    [1000, -1000],
  ]);
  expectClose(loss([0, 1])(logits), [1000]);
  expectClose(tf.grad(loss([0, 1]))(logits), [0, 0, 0.5, -0.5]);
});

test('leaves no tensors behind', () => {
  const x = sample([3, 4]);
  const f = loss([0, 1, 3], { labelSmoothing: 0.1 });
  expectNoLeak(() => tf.tidy(() => tf.grad(f)(x)));
});

test('reads no teacher', () => {
  expect(bound('cross_entropy', {}, { logits: [3] }, {})).toMatchObject({
    student: ['logits'],
    teacher: [],
    matching: false,
    auxiliary: {},
  });
});

test.each([0, 0.2])(
  'of mixed samples is the loss of each label by its share, with smoothing %d',
  (labelSmoothing) => {
    const student = sample([3, 4]);
    const [first, second, shares] = [
      [0, 3, 1],
      [2, 3, 0],
      [0.25, 0.6, 1],
    ];
    const f = lossOf(
      'cross_entropy',
      { labelSmoothing },
      'logits',
      {},
      {
        labels: tf.tensor1d(first, 'int32'),
        mixed: { labels: tf.tensor1d(second, 'int32'), shares: tf.tensor1d(shares) },
      },
    );
    const rows = student.arraySync() as number[][];
    const expected = rows.map(
      (row, i) =>
        shares[i] * reference([row], [first[i]], labelSmoothing) +
        (1 - shares[i]) * reference([row], [second[i]], labelSmoothing),
    );
    expectClose(f(student), [expected.reduce((sum, one) => sum + one, 0) / 3]);
    expectGradient(f, [student]);
    expectNoLeak(() => tf.tidy(() => tf.grad(f)(student)));
  },
);
