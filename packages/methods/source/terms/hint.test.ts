import { initialValues, run, startEngine, trace } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { expectClose, expectGradient, expectNoLeak, sample } from '@distillery/engine/testing';
import { atStart, bound, lossOf, shapesOf, thrown } from '../testing/terms.ts';

beforeAll(() => startEngine());

const taps = { student: 'h', teacher: 'h' };
const same = { auxiliary: (_name: string, x: tf.Tensor) => x };

test('by hand: the mean of squared differences over every element', () => {
  const teacher = tf.tensor([1, 2, 3, 4], [2, 2]);
  const f = lossOf('hint', taps, 'h', { h: teacher }, same);
  expectClose(f(tf.tensor([2, 2, 1, 7], [2, 2])), [(1 + 0 + 4 + 9) / 4]);
  expectClose(tf.grad(f)(tf.tensor([2, 2, 1, 7], [2, 2])), [0.5, 0, -1, 1.5]);
});

test('through an identity, equal maps differ by 0', () => {
  const x = sample([2, 3, 3, 4]);
  expectClose(lossOf('hint', taps, 'h', { h: x }, same)(x), [0]);
});

describe.each([
  { from: [4, 5, 2], to: [4, 5, 3], options: {}, names: ['conv.weight', 'conv.bias'] },
  {
    from: [4, 5, 2],
    to: [4, 5, 3],
    options: { normalize: true },
    names: ['conv.weight', 'conv.bias', 'bn.weight', 'bn.bias', 'bn.running_mean', 'bn.running_var'],
  },
  // Twice and three times as large, half and a third as large, and neither.
  ...[
    { size: [8, 10], to: [4, 5, 3] },
    { size: [12, 15], to: [4, 5, 3] },
    { size: [2, 3], to: [4, 6, 3] },
    { size: [2, 1], to: [6, 3, 3] },
    { size: [2, 3], to: [4, 5, 3] },
    { size: [7, 3], to: [4, 5, 3] },
  ].map(({ size, to }) => ({ from: [...size, 2], to, options: {}, names: ['conv.weight', 'conv.bias'] })),
  { from: [6], to: [4], options: {}, names: ['linear.weight', 'linear.bias'] },
])('from $from to $to, $options', ({ from, to, options, names }) => {
  const term = () => bound('hint', { ...taps, ...options }, { h: from }, { h: to });
  /** Loss of the student's tap and the regressor's parameters, in their order. */
  const lossWith = (teacher: tf.Tensor) => {
    const { auxiliary, loss } = term();
    const { forward, inputShape } = auxiliary.regressor;
    const plan = trace(forward, inputShape);
    const f = (x: tf.Tensor, ...parameters: tf.Tensor[]) => {
      const named = Object.fromEntries(plan.parameters.map(({ name }, i) => [name, parameters[i]]));
      return loss({
        student: { h: x },
        teacher: { h: teacher },
        labels: tf.tensor1d([], 'int32'),
        indices: tf.tensor1d([], 'int32'),
        classes: 0,
        at: atStart,
        auxiliary(name, tap) {
          expect(name).toBe('regressor');
          const { output, statistics } = run(forward, named, tap, { training: { seed: 1, step: 0 } });
          tf.dispose(statistics);
          return output;
        },
      });
    };
    const values = initialValues(plan.parameters, 3);
    const trainable = plan.parameters.filter((p) => p.trainable).length;
    return { f, parameters: plan.parameters.map((p) => tf.tensor(values[p.name], p.shape)), trainable };
  };

  test("its regressor fits the student's tap to the teacher's", () => {
    const { auxiliary, student, teacher } = term();
    expect([student, teacher]).toEqual([['h'], ['h']]);
    const plan = trace(auxiliary.regressor.forward, auxiliary.regressor.inputShape);
    expect(plan.outputShape).toEqual(to);
    expect(plan.parameters.map(({ name }) => name)).toEqual(names);
  });

  test('the student and every parameter of the regressor get the gradient that finite differences give', () => {
    tf.tidy(() => {
      const { f, parameters, trainable } = lossWith(sample([3, ...to], 1));
      const [moved, still] = [parameters.slice(0, trainable), parameters.slice(trainable)];
      const x = sample([3, ...from]);
      const of = (y: tf.Tensor, ...p: tf.Tensor[]) => f(y, ...p, ...still);
      // ReLU's kinks and batch normalisation's curvature need a different step and tolerance.
      const normalized = 'normalize' in options;
      expectGradient(of, [x, ...moved], normalized ? { step: 2 ** -9, tolerance: 2e-2 } : {});
      const gradients = tf.grads((y, ...p) => of(y, ...p))([x, ...moved]);
      gradients.forEach((gradient, i) => {
        // A bias before batch normalisation cancels out.
        if (normalized && names[i - 1] === 'conv.bias') return;
        expect(Math.max(...gradient.dataSync().map(Math.abs)), names[i - 1]).toBeGreaterThan(1e-4);
      });
    });
  });

  test('leaves no tensors behind', () => {
    const { f, parameters } = lossWith(sample([3, ...to], 1));
    const x = sample([3, ...from]);
    expectNoLeak(() => tf.tidy(() => tf.grad((y: tf.Tensor) => f(y, ...parameters))(x)));
  });
});

test('a larger map is convolved with a stride, a smaller one by a transposed convolution, and others are resized first', () => {
  const regressor = (from: number[], to: number[]) => {
    const { auxiliary } = bound('hint', taps, { h: from }, { h: to });
    const { inputShape, parameters } = trace(auxiliary.regressor.forward, auxiliary.regressor.inputShape);
    return { inputShape, kernel: parameters[0].shape.slice(0, 2) };
  };
  expect(regressor([4, 4, 2], [4, 4, 3])).toEqual({ inputShape: [4, 4, 2], kernel: [3, 3] });
  expect(regressor([8, 8, 2], [4, 4, 3])).toEqual({ inputShape: [8, 8, 2], kernel: [3, 3] });
  expect(regressor([16, 16, 2], [4, 4, 3])).toEqual({ inputShape: [16, 16, 2], kernel: [5, 5] });
  expect(regressor([2, 2, 2], [4, 4, 3])).toEqual({ inputShape: [2, 2, 2], kernel: [4, 4] });
  expect(regressor([2, 2, 2], [5, 4, 3])).toEqual({ inputShape: [5, 4, 2], kernel: [3, 3] });
  // Through an identity, the nearest neighbour of each position is compared.
  const teacher = { h: tf.fill([1, 4, 3, 1], 2) };
  expectClose(lossOf('hint', taps, 'h', teacher, same)(tf.tensor([1, 2], [1, 2, 1, 1])), [(1 + 0) / 2]);
});

test('refuses a map with a vector, and names both shapes', () => {
  const bind = (student: number[], teacher: number[]) =>
    thrown(() => bound('hint', taps, { h: student }, { h: teacher }));
  const error = bind([8, 8, 4], [256]);
  expect(error).toMatchObject({ name: 'TapError', path: '/student', value: 'h' });
  expect((error as Error).message).toMatch(/\[8,8,4\].*\[256\]/);
  expect(bind([256], [1, 1, 8])).toMatchObject({ path: '/student' });
});

test('uses the last maps by default', () => {
  const student = { a: sample([1, 4, 4, 2]), b: sample([1, 2, 2, 2]), c: sample([1, 5]) };
  const term = bound('hint', {}, shapesOf(student), { x: [2, 2, 7], logits: [10] });
  expect(term).toMatchObject({ student: ['b'], teacher: ['x'] });
});
