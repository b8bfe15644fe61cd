import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { detached, gradientsOf } from './gradients.ts';
import { convolution } from './ops/convolution.ts';
import { maxPool } from './ops/max-pool.ts';
import { startEngine } from './backends/start.ts';
import { expectClose, expectNoLeak, sample } from './testing/tensors.ts';

beforeAll(() => startEngine());

/** Branches, a tensor used twice, an operation with several outputs, a gradient that is passed on unchanged. */
function network(x: tf.Tensor, w: tf.Tensor, v: tf.Tensor): tf.Scalar {
  const options = { stride: 1, padding: 'same', precision: 'float32' } as const;
  const first = tf.relu(convolution(x, w, undefined, options));
  const second = tf.add(first, tf.clone(convolution(first, w, undefined, options)));
  const [left, right] = tf.split(maxPool(second, { size: 2, stride: 2 }), 2, -1);
  const joined = tf.concat([tf.mul(left, right), right], -1);
  const product = tf.matMul(tf.reshape(joined, [x.shape[0], -1]), v);
  return tf.sum(tf.square(tf.sub(product, 1)));
}

const values = () => [sample([2, 4, 4, 4]), sample([3, 3, 4, 4], 1), sample([16, 3], 2)];

/** Runs a function with variables that hold the sample's values, and disposes them. */
function held<T>(work: (x: tf.Tensor, w: tf.Variable, v: tf.Variable) => T): T {
  const [x, w, v] = values();
  const [a, b] = [tf.variable(w), tf.variable(v)];
  try {
    return work(x, a, b);
  } finally {
    tf.dispose([x, w, v, a, b]);
  }
}

test('gradients are those of TensorFlow.js', () => {
  held((x, w, v) => {
    const stock = tf.variableGrads(() => network(x, w, v), [w, v]);
    const own = gradientsOf(() => network(x, w, v), { w, v });
    expectClose(own.value, stock.value.dataSync());
    expectClose(own.gradients.w, stock.grads[w.name].dataSync());
    expectClose(own.gradients.v, stock.grads[v.name].dataSync());
  });
});

test('only the value and the gradients remain', () => {
  held((x, w, v) => {
    const before = tf.memory().numTensors;
    const { value, gradients } = gradientsOf(() => network(x, w, v), { w, v });
    expect(tf.memory().numTensors).toBe(before + 3);
    tf.dispose([value, gradients.w, gradients.v]);
    expectNoLeak(() => gradientsOf(() => network(x, w, v), { w, v }));
  });
});

test('intermediate gradients and saved tensors are disposed during the backward pass', () => {
  held((x, w, v) => {
    let largest = 0;
    const forward = () => {
      const loss = network(x, w, v);
      // The last operation of the forward pass is the first of the backward pass.
      return tf.customGrad((y) => ({
        value: tf.clone(y as tf.Tensor),
        gradFunc: (dy: tf.Tensor) => {
          largest = tf.memory().numTensors;
          return tf.clone(dy);
        },
      }))(loss) as tf.Scalar;
    };
    const before = tf.memory().numTensors;
    tf.dispose(gradientsOf(forward, { w, v }));
    const saved = largest - before;
    let atTheEnd = 0;
    // The gradient of the first operation is computed last.
    const watched = () => {
      const seen = tf.customGrad((y) => ({
        value: tf.clone(y as tf.Tensor),
        gradFunc: (dy: tf.Tensor) => {
          atTheEnd = tf.memory().numTensors;
          return tf.clone(dy);
        },
      }))(w);
      return network(x, seen, v);
    };
    tf.dispose(gradientsOf(watched, { w, v }));
    expect(atTheEnd - before).toBeLessThan(saved / 2);
  });
});

test('the function may use tf.grad itself', () => {
  held((x, w, v) => {
    const slope = () => {
      const inner = tf.grad((y: tf.Tensor) => tf.sum(tf.mul(tf.square(y), 3)))(w);
      return tf.add<tf.Scalar>(tf.sum(tf.square(inner)), tf.mul(tf.sum(v), 0));
    };
    const { gradients } = gradientsOf(slope, { w, v });
    // d/dw Σ(6w)² = 72w
    expectClose(gradients.w, tf.mul(w, 72).dataSync());
    expect(x.isDisposed).toBe(false);
  });
});

test('partial leaves out a variable that the loss does not depend on', () => {
  held((x, w, v) => {
    const before = tf.memory().numTensors;
    const { value, gradients } = gradientsOf(() => tf.sum(tf.mul(w, 3)), { w, lonely: v }, { partial: true });
    expect(Object.keys(gradients)).toEqual(['w']);
    expectClose(gradients.w, tf.fill(w.shape, 3).dataSync());
    const nothing = gradientsOf(() => tf.sum(x), { w, v }, { partial: true });
    expect(nothing.gradients).toEqual({});
    tf.dispose([value, gradients, nothing.value]);
    expect(tf.memory().numTensors).toBe(before + 1);
  });
});

test('an unused variable is an error that names it, and no tensors are left behind', () => {
  held((x, w, v) => {
    const before = tf.memory().numTensors;
    expect(() => gradientsOf(() => tf.sum(w), { w, lonely: v })).toThrow(
      'the loss does not depend on lonely',
    );
    expect(() =>
      gradientsOf(
        () => {
          network(x, w, v);
          throw new Error('in the middle');
        },
        { w },
      ),
    ).toThrow('in the middle');
    expect(tf.memory().numTensors).toBe(before);
    // The next call works.
    expect(() => tf.dispose(gradientsOf(() => network(x, w, v), { w, v }))).not.toThrow();
  });
});

test('no gradient flows through a detached tensor', () => {
  held((x, _w, v) => {
    const logits = (w: tf.Tensor) => tf.matMul(tf.reshape(x, [-1, 16]), w);
    // y·y with one constant factor has half the gradient of y².
    const { value, gradients } = gradientsOf(() => tf.sum(tf.mul(logits(v), detached(logits(v)))), { v });
    const whole = gradientsOf(() => tf.sum(tf.square(logits(v))), { v });
    expectClose(value, whole.value.dataSync());
    expectClose(gradients.v, tf.mul(whole.gradients.v, 0.5).dataSync());
    expectNoLeak(() => detached(x));
  });
});
