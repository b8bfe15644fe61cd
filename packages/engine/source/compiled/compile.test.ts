import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, test } from 'vitest';
import { gradientsOf } from '../gradients.ts';
import { createOptimizer } from '../optimizer/optimizer.ts';
import { startEngine } from '../backends/start.ts';
import { expectClose, expectNoLeak } from '../testing/tensors.ts';
import { compile, type Compiled, compilerRefusal, type TensorsIn } from './compile.ts';
import { feed, feedScalar } from './feed.ts';
import { readsVarying } from './recorder.ts';

await startEngine();
const refusal = compilerRefusal();

/** Why the function under test ran operation by operation. */
let reasons: string[] = [];
let compiled: Compiled<never, never> | undefined;
let runs = 0;

/** Compiles a function and counts how often it runs in JavaScript. */
function compiling<I extends TensorsIn, O extends TensorsIn>(f: (argument: I) => O): Compiled<I, O> {
  runs = 0;
  const made = compile(
    (argument: I) => {
      runs++;
      return f(argument);
    },
    { name: 'tested', refused: (reason) => reasons.push(reason) },
  );
  compiled = made as unknown as Compiled<never, never>;
  return made;
}

afterEach(() => {
  compiled?.dispose();
  reasons = [];
});

describe.skipIf(refusal !== undefined)('a compiled function', () => {
  test('computes what the function computes, and runs in JavaScript only to be recorded', () => {
    const f = compiling((x: tf.Tensor) => tf.tidy(() => tf.add(tf.mul(x, 2), tf.scalar(1))));
    const x = tf.tensor1d([1, 2, 3]);
    for (let i = 0; i < 3; i++) expectClose(f(x), [3, 5, 7]);
    expect({ runs, reasons }).toEqual({ runs: 2, reasons: [] });
    expectNoLeak(() => f(x));
  });

  test('is recorded anew for other shapes and types', () => {
    const f = compiling((x: tf.Tensor) => tf.tidy(() => tf.sum(tf.cast(x, 'float32'))));
    expectClose(f(tf.tensor1d([1, 2, 3])), [6]);
    expectClose(f(tf.tensor1d([1, 2])), [3]);
    expectClose(f(tf.tensor1d([1, 2], 'int32')), [3]);
    expectClose(f(tf.tensor1d([4, 5], 'int32')), [9]);
    expect({ runs, reasons }).toEqual({ runs: 6, reasons: [] });
  });

  test('takes and returns tensors in lists and records, whatever the order in which a record was built', () => {
    const f = compiling(({ a, of: [b] }: { a: tf.Tensor; of: tf.Tensor[] }) =>
      tf.tidy(() => ({ difference: tf.sub(a, b), all: [tf.clone(a), tf.add(a, b)] })),
    );
    const [a, b] = [tf.scalar(5), tf.scalar(3)];
    for (const argument of [
      { a, of: [b] },
      { of: [b], a },
    ]) {
      const { difference, all } = f(argument);
      expect([difference, ...all].map((x) => x.dataSync()[0])).toEqual([2, 5, 8]);
    }
    expect(runs).toBe(2);
    expectNoLeak(() => f({ a, of: [b] }));
  });

  test('reads the current value of a variable, and assigns it', () => {
    const count = tf.variable(tf.scalar(1), false);
    const f = compiling((by: tf.Tensor) => {
      const next = tf.add(count, by);
      count.assign(next as tf.Scalar);
      return next;
    });
    const by = tf.scalar(2);
    expectClose(f(by), [3]);
    expectClose(count, [3]);
    expectClose(f(by), [5]);
    count.assign(tf.scalar(10));
    expectClose(f(by), [12]);
    expectClose(count, [12]);
    expect({ runs, reasons }).toEqual({ runs: 2, reasons: [] });
    expectNoLeak(() => f(by));
    count.dispose();
  });

  test('gets fed values anew for every call', () => {
    let step = 0;
    const f = compiling((x: tf.Tensor) =>
      tf.tidy(() =>
        tf.add(
          tf.mul(
            x,
            feedScalar(() => step),
          ),
          feed([2], () => Float32Array.of(step, -step)),
        ),
      ),
    );
    const x = tf.tensor1d([10, 100]);
    for (step of [1, 2, 7]) expectClose(f(x), [11 * step, 99 * step]);
    expect({ runs, reasons }).toEqual({ runs: 2, reasons: [] });
    expectNoLeak(() => f(x));
  });

  test('trains as an eager step does: gradients, optimizer and its slots', () => {
    const x = tf.tensor2d([
      [1, 2],
      [3, -1],
    ]);
    const end = (mode: 'compiled' | 'eager') => {
      const first = [tf.tensor2d([[0.5], [-0.5]]), tf.tensor1d([0.1])];
      const variables = { w: tf.variable(first[0]), b: tf.variable(first[1]) };
      tf.dispose(first);
      const optimizer = createOptimizer(
        { type: 'adam', learningRate: 1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.1 },
        variables,
        1,
      );
      const numbers = { rate: 0, step: 0 };
      const step = (batch: tf.Tensor) => {
        const { value, gradients } = gradientsOf(
          () =>
            tf.mean<tf.Scalar>(tf.square(tf.add(tf.matMul(batch as tf.Tensor2D, variables.w), variables.b))),
          variables,
        );
        optimizer.apply(gradients, numbers);
        return value;
      };
      const take = mode === 'compiled' ? compiling(step) : step;
      const losses = [1, 2, 3, 4].map((count) => {
        Object.assign(numbers, { rate: 0.1 / count, step: count });
        const loss = take(x);
        const [value] = loss.dataSync();
        loss.dispose();
        return value;
      });
      const state = [...losses, ...variables.w.dataSync(), ...variables.b.dataSync()];
      const slots = Object.values(optimizer.read()).flatMap((values) => [...values]);
      compiled?.dispose();
      optimizer.dispose();
      tf.dispose(Object.values(variables));
      return [...state, ...slots];
    };
    const before = tf.memory().numTensors;
    expectClose(end('compiled'), end('eager'), { relative: 1e-6, absolute: 1e-7 });
    expect(tf.memory().numTensors).toBe(before);
    expect(reasons).toEqual([]);
  });

  test('leaves no native memory behind when it is compiled again and again', () => {
    const x = tf.zeros([4]);
    // A graph of 600 operations takes almost a megabyte.
    const f = compiling((given: tf.Tensor) =>
      tf.tidy(() => {
        let y = given;
        for (let i = 0; i < 300; i++) y = tf.add(y, 1);
        return y;
      }),
    );
    const grown = (times: number) => {
      for (let i = 0; i < times; i++) {
        f(x).dispose();
        f.dispose();
      }
      const { rss, heapTotal } = process.memoryUsage();
      return (rss - heapTotal) / 1e6;
    };
    const before = grown(5);
    expect(grown(25) - before).toBeLessThan(25);
  });

  test('works again after it was disposed', () => {
    const f = compiling((x: tf.Tensor) => tf.square(x));
    expectClose(f(tf.scalar(3)), [9]);
    f.dispose();
    expectClose(f(tf.scalar(4)), [16]);
    expect(runs).toBe(4);
  });
});

describe.skipIf(refusal !== undefined)('with XLA', () => {
  const x = tf.tensor4d([1, -2, 3, 4], [1, 2, 2, 1]);

  test.each<[string, (x: tf.Tensor4D) => tf.Tensor]>([
    ['a function is compiled', (given) => tf.relu(tf.mul(given, given))],
    [
      'a function that XLA cannot compile runs without it',
      (given) => tf.dilation2d(given, tf.ones([2, 2, 1]), 1, 'valid'),
    ],
  ])('%s', (_, f) => {
    const withXla = compile((given: tf.Tensor4D) => tf.tidy(() => f(given)), {
      name: 'tested',
      xla: true,
      refused: (reason) => reasons.push(reason),
    });
    const expected = f(x).dataSync();
    for (let i = 0; i < 2; i++) expectClose(withXla(x), expected);
    expect(reasons).toEqual([]);
    expectNoLeak(() => withXla(x));
    withXla.dispose();
  });
});

describe.skipIf(refusal !== undefined)(
  'a function that cannot be compiled runs eagerly and says why:',
  () => {
    let calls = 0;
    test.each<[string, (x: tf.Tensor) => tf.Tensor, RegExp]>([
      ['it reads a value back', (x) => tf.mul(x, x.dataSync()[0]), /^a value is read back within the step$/],
      [
        'a number from the host changes unfed',
        (x) => tf.mul(x, ++calls),
        /^a constant of shape \[\] differs from step to step and is not fed$/,
      ],
      [
        'an attribute changes',
        (x) => tf.leakyRelu(x, 0.1 * ++calls),
        /^LeakyRelu differs from step to step and is not fed$/,
      ],
      [
        'a varying number is read outside of feed',
        (x) => {
          readsVarying('rate');
          return tf.square(x);
        },
        /^rate is read outside of feed$/,
      ],
      [
        'a shape depends on values',
        (x) => tf.unique(x as tf.Tensor1D).values,
        /^the shape of UniqueV2 is known only once it has run$/,
      ],
    ])('%s', (_, f, expected) => {
      const [x, kept] = [tf.tensor1d([2, 3]), tf.variable(tf.tensor1d([1, 1]))];
      const before = tf.memory().numTensors;
      const g = compiling((given: tf.Tensor) => {
        tf.tidy(() => kept.assign(tf.add(kept, 1)));
        return tf.tidy(() => f(given));
      });
      const y = g(x);
      expect(reasons).toEqual([expect.stringMatching(expected)]);
      // It was assigned once, by the run that counts.
      expect([...kept.dataSync()]).toEqual([2, 2]);
      const recorded = runs;
      tf.dispose(g(x));
      expect(runs).toBe(recorded + 1);
      expect(reasons).toHaveLength(1);
      y.dispose();
      expect(tf.memory().numTensors).toBe(before);
      tf.dispose([x, kept]);
    });
  },
);

test.skipIf(refusal !== undefined)('TensorFlow has copies of the values that tensors are made of', () => {
  for (const dtype of ['float32', 'int32', 'bool'] as const) {
    const values =
      dtype === 'float32'
        ? new Float32Array(64)
        : dtype === 'int32'
          ? new Int32Array(64)
          : new Uint8Array(64);
    const x = tf.tensor(values, [8, 8], dtype);
    // The first operation hands them over.
    tf.reshape(x, [64]).dispose();
    values.fill(1);
    expect(
      x.dataSync().every((value) => !value),
      dtype,
    ).toBe(true);
    x.dispose();
  }
});

test('an error of the function itself reaches the caller', () => {
  const f = compiling((x: tf.Tensor) => tf.reshape(x, [3]));
  expect(() => f(tf.tensor1d([1, 2]))).toThrow(/reshape|size/i);
});

test('while nothing is recorded, a varying number may be read anywhere', () => {
  expect(() => readsVarying('rate')).not.toThrow();
});
