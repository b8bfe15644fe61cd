import { run, startEngine, trace } from '@distillery/engine';
import { type Scheduled, valueAt } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { expectClose, expectGradient, expectNoLeak, sample } from '@distillery/engine/testing';
import { atStart, bound } from '../testing/terms.ts';
import { expectTrains } from '../testing/auxiliaries.ts';

beforeAll(() => startEngine());

const [student, teacher] = [{ features: [3] }, { features: [3] }];
const options = { width: 3, queue: 4, temperature: 0.5 };

const unitOf = (x: number[]) => x.map((value) => value / Math.hypot(...x));
const dot = (x: number[], y: number[]) => x.reduce((sum, value, i) => sum + value * y[i], 0);

interface Seen {
  s: number[];
  t: number[];
  index: number;
}

/** The loss in float64, sample by sample. */
function reference(batch: Seen[], queue: Seen[], temperature: number): number {
  const side = (anchor: 's' | 't', other: 's' | 't') => {
    const score = (a: Seen, b: Seen) => dot(unitOf(a[anchor]), unitOf(b[other])) / temperature;
    const negatives = batch.map((a) => [...batch, ...queue].filter((b) => b.index !== a.index));
    const scores = batch.flatMap((a, i) => [score(a, a), ...negatives[i].map((b) => score(a, b))]);
    const mean = scores.reduce((sum, value) => sum + Math.exp(value), 0) / scores.length;
    const losses = batch.map((a, i) => {
      const noise = negatives[i].length * mean;
      if (noise === 0) return 0;
      const own = Math.exp(score(a, a));
      const others = negatives[i].map((b) => Math.log(noise / (Math.exp(score(a, b)) + noise)));
      return -Math.log(own / (own + noise)) - others.reduce((sum, value) => sum + value, 0);
    });
    return losses.reduce((sum, value) => sum + value, 0) / losses.length;
  };
  return side('s', 't') + side('t', 's');
}

const batch: Seen[] = [
  { s: [1, 2, -1], t: [2, 1, 0.5], index: 0 },
  { s: [0.5, -1, 1], t: [-1, 0.5, 2], index: 7 },
  { s: [-1, 0.2, 0.4], t: [0.3, 0.3, -1], index: 3 },
];
const queue: Seen[] = [
  { s: [0.1, 1, 1], t: [1, 1, -0.5], index: 5 },
  // The image of the batch's first sample.
  { s: [2, -1, 0], t: [0, 1, -1], index: 0 },
  { s: [1, 1, 0.3], t: [-1, -1, 0], index: 2 },
];

/** Returns the loss as a function of the student's features, with identity projectors. */
function lossOf(
  seen: Seen[],
  earlier: Seen[],
  { temperature = 0.5, at = atStart }: { temperature?: unknown; at?: typeof atStart } = {},
) {
  const rows = earlier.map(({ s, t, index }) => [...unitOf(s), ...unitOf(t), index + 1]);
  const empty = Array.from({ length: 4 - rows.length }, () => Array<number>(7).fill(0));
  const memory = tf.tensor2d([...rows, ...empty]);
  const indices = tf.tensor1d(
    seen.map(({ index }) => index),
    'int32',
  );
  const taught = tf.tensor2d(seen.map(({ t }) => t));
  const term = bound('contrastive', { ...options, temperature }, student, teacher);
  return (features: tf.Tensor) =>
    term.loss({
      student: { features },
      teacher: { features: taught },
      indices,
      at,
      auxiliary: (name: string, x: tf.Tensor) => (name === 'memory' ? memory : x),
    } as never);
}

const featuresOf = (seen: Seen[]) => tf.tensor2d(seen.map(({ s }) => s));

describe('by float64', () => {
  test.each([
    { what: 'with a queue', seen: batch, earlier: queue },
    { what: 'of the first batch alone', seen: batch, earlier: [] },
    { what: 'of one image and a queue', seen: batch.slice(0, 1), earlier: queue },
    { what: 'of one image and a queue of itself', seen: batch.slice(0, 1), earlier: queue.slice(1, 2) },
  ])('is the noise-contrastive loss $what', ({ seen, earlier }) => {
    expectClose(lossOf(seen, earlier)(featuresOf(seen)), [reference(seen, earlier, 0.5)]);
  });

  test('its temperature may be scheduled', () => {
    const temperature = { schedule: 'linear', from: 0.5, to: 1, epochs: 2 };
    const at = (option: Scheduled) => valueAt(option, 1);
    const loss = lossOf(batch, queue, { temperature, at });
    expectClose(loss(featuresOf(batch)), [reference(batch, queue, 0.75)]);
  });

  test('an image without negatives has the loss 0 and the gradient 0', () => {
    const loss = lossOf(batch.slice(0, 1), []);
    const features = featuresOf(batch.slice(0, 1));
    expectClose(loss(features), [0]);
    expectClose(tf.grad(loss)(features), [0, 0, 0]);
  });

  test('its gradient is the one that finite differences give with the mean of the scores held constant', () => {
    // The mean of many samples moves little, so the derivative must be right without it.
    const h = 1e-5;
    const own = featuresOf(batch).dataSync();
    const noise = meansOf(batch, queue);
    const differences = Array.from(own, (_, i) => {
      const moved = (by: number) => {
        const seen = batch.map((each, row) => ({
          ...each,
          s: each.s.map((value, column) => (3 * row + column === i ? value + by : value)),
        }));
        return held(seen, queue, noise);
      };
      return (moved(h) - moved(-h)) / (2 * h);
    });
    expectClose(tf.grad(lossOf(batch, queue))(featuresOf(batch)), differences, {
      relative: 1e-3,
      absolute: 1e-4,
    });
  });
});

/** Computes the mean exponential of the scores of each side. */
function meansOf(seen: Seen[], earlier: Seen[]): number[] {
  return (['s', 't'] as const).map((anchor) => {
    const other = anchor === 's' ? 't' : 's';
    const scores = seen.flatMap((a) =>
      [a, ...[...seen, ...earlier].filter((b) => b.index !== a.index)].map(
        (b) => dot(unitOf(a[anchor]), unitOf(b[other])) / 0.5,
      ),
    );
    return scores.reduce((sum, value) => sum + Math.exp(value), 0) / scores.length;
  });
}

/** Computes the loss with given means. */
function held(seen: Seen[], earlier: Seen[], means: number[]): number {
  return (['s', 't'] as const).reduce((total, anchor, side) => {
    const other = anchor === 's' ? 't' : 's';
    const losses = seen.map((a) => {
      const negatives = [...seen, ...earlier].filter((b) => b.index !== a.index);
      const noise = negatives.length * means[side];
      const likely = (b: Seen) => Math.exp(dot(unitOf(a[anchor]), unitOf(b[other])) / 0.5);
      return negatives.reduce(
        (sum, b) => sum - Math.log(noise / (likely(b) + noise)),
        -Math.log(likely(a) / (likely(a) + noise)),
      );
    });
    return total + losses.reduce((sum, value) => sum + value, 0) / losses.length;
  }, 0);
}

test('projectors get gradients, and no tensors are left behind', () => {
  tf.tidy(() => {
    const indices = tf.tensor1d([4, 1, 2], 'int32');
    const settings = {
      student: { features: [4] },
      teacher: { features: sample([3, 5], 1) },
      batch: { indices },
    };
    // A mean over few pairs moves with them, which the gradient leaves out, so finite differences would not agree.
    expectTrains('contrastive', { width: 6, queue: 8, temperature: 0.5 }, settings, { tolerance: 0.5 });
  });
  const loss = lossOf(batch, queue);
  const features = featuresOf(batch);
  expectNoLeak(() => tf.tidy(() => tf.grad(loss)(features)));
});

test('the gradient is the one that finite differences give if only one direction of scores moves', () => {
  // With many more pairs than the one that moves, the mean hardly changes.
  const seen = Array.from({ length: 40 }, (_, i) => ({
    s: [Math.sin(i), Math.cos(2 * i), Math.sin(3 * i + 1)],
    t: [Math.cos(i), Math.sin(2 * i + 1), Math.cos(3 * i)],
    index: i,
  }));
  const fixed = featuresOf(seen.slice(1));
  const loss = lossOf(seen, []);
  tf.tidy(() => {
    expectGradient((first) => loss(tf.concat([first, fixed], 0)), [featuresOf(seen.slice(0, 1))], {
      tolerance: 3e-2,
    });
  });
});

test('the memory inserts each batch at the front, with the numbers of its images', () => {
  const { auxiliary } = bound('contrastive', options, student, teacher);
  const { forward, inputShape } = auxiliary.memory;
  const plan = trace(forward, inputShape);
  expect(plan).toMatchObject({ inputShape: [7], outputShape: [4, 7], parameterCount: 0 });
  expect(plan.parameters).toMatchObject([{ name: 'rows', shape: [4, 7], trainable: false }]);
  let rows: tf.Tensor = tf.zeros([4, 7]);
  const step = (x: tf.Tensor) => {
    const { output, statistics } = run(forward, { rows }, x, { training: { seed: 1, step: 0 } });
    expectClose(output, rows.dataSync());
    rows = statistics.rows;
    expect(rows.shape).toEqual([4, 7]);
    return [...(rows.dataSync() as Float32Array)].filter((_, i) => i % 7 === 6);
  };
  const batchOf = (...indices: number[]) =>
    tf.tensor2d(indices.map((index) => [...Array<number>(6).fill(index), index]));
  expect(step(batchOf(1, 2))).toEqual([1, 2, 0, 0]);
  expect(step(batchOf(3))).toEqual([3, 1, 2, 0]);
  expect(step(batchOf(4, 5, 6, 7, 8))).toEqual([4, 5, 6, 7]);
  expect(run(forward, { rows }, batchOf(9)).statistics).toEqual({});
});
