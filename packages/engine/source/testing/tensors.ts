import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';

/**
 * Helpers for tests of tensor functions. Tests run on the engine that ENGINE names, or else on the first that starts.
 */

/** Expects numbers to agree within 1e-4 relative plus 1e-5 absolute; reports the first that does not. */
export function expectClose(
  actual: tf.Tensor | ArrayLike<number>,
  expected: ArrayLike<number>,
  { relative = 1e-4, absolute = 1e-5 } = {},
): void {
  const values = actual instanceof tf.Tensor ? actual.dataSync() : actual;
  expect(values.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const bound = absolute + relative * Math.abs(expected[i]);
    // Written so that NaN fails.
    if (!(Math.abs(values[i] - expected[i]) <= bound)) {
      expect.fail(`at ${i}: ${values[i]} instead of ${expected[i]}, which differs by more than ${bound}`);
    }
  }
}

/**
 * Expects the gradient of a scalar function to agree with central differences, element by element.
 *
 * @param step a power of two keeps x ± step exact; the function must be smooth within it
 */
export function expectGradient(
  f: (...x: tf.Tensor[]) => tf.Tensor,
  x: tf.Tensor[],
  { step = 2 ** -7, tolerance = 5e-3 } = {},
): void {
  tf.tidy(() => {
    const gradients = tf.grads((...args) => f(...args))(x);
    x.forEach((input, position) => {
      const values = input.dataSync();
      const at = (index: number, offset: number) =>
        tf.tidy(() => {
          const moved = Float32Array.from(values);
          moved[index] += offset;
          const args = x.map((other, i) => (i === position ? tf.tensor(moved, input.shape) : other));
          return f(...args).dataSync()[0];
        });
      const differences = Array.from(values, (_, i) => (at(i, step) - at(i, -step)) / (2 * step));
      expectClose(gradients[position], differences, { relative: tolerance, absolute: tolerance });
    });
  });
}

/** Calls a function twice, as the first call may fill caches, and expects that it leaves no tensors but its result. */
export function expectNoLeak(f: () => tf.TensorContainer): void {
  const call = () => tf.dispose(f());
  call();
  const before = tf.memory().numTensors;
  call();
  expect(tf.memory().numTensors).toBe(before);
}

/** Returns irregular numbers in ±1, so that symmetry cannot hide an error. They are the same on every run. */
function numbers(count: number, phase = 0): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.sin(12.9898 * (i + 1) + 78.233 * phase));
}

/** Returns a tensor of irregular numbers in ±1, the same on every run. */
export function sample(shape: number[], phase = 0): tf.Tensor {
  return tf.tensor(
    numbers(
      shape.reduce((a, b) => a * b, 1),
      phase,
    ),
    shape,
  );
}
