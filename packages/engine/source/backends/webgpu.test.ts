import { execFile } from 'node:child_process';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { initialValues } from '../initialize.ts';
import { openDawn } from './dawn.ts';
import type { Forward } from '../network.ts';
import { run, type Tensors } from '../run.ts';
import { startEngine } from './start.ts';
import { expectClose, expectGradient, expectNoLeak, sample } from '../testing/tensors.ts';
import { trace } from '../trace.ts';
import { softwareVulkanDriver } from './vulkan.ts';

// A software driver gives the same results everywhere and works without a GPU. It compiles slowly.
const driver = softwareVulkanDriver();
if (driver !== undefined) process.env.VK_DRIVER_FILES = driver;
const missing = await openDawn().then(
  ({ adapter }) => (adapter.info.isFallbackAdapter ? undefined : 'this is a GPU'),
  (error: Error) => error.message,
);
if (missing !== undefined) {
  console.log(
    `WebGPU's tests are skipped: ${missing} (on Debian, chromium and libvulkan1 bring a software driver)`,
  );
}

/** Starts an engine in a separate process, which finds no native library, and prints its description. */
function startWithoutNative(engine: string): Promise<{ name: string; hardware: string; stderr: string }> {
  const program = `
    import Module from 'node:module';
    const resolve = Module._resolveFilename;
    Module._resolveFilename = (name, ...context) => {
      if (/tfjs-node/.test(name)) throw new Error('hidden');
      return resolve(name, ...context);
    };
    const { startEngine } = await import(${JSON.stringify(new URL('start.ts', import.meta.url).href)});
    console.log(JSON.stringify(await startEngine(${JSON.stringify(engine)})));`;
  const argv = ['--import', import.meta.resolve('tsx'), '--input-type=module', '-e', program];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, argv, (error, stdout, stderr) => {
      if (error === null) resolve({ ...JSON.parse(stdout.trim().split('\n').at(-1) ?? ''), stderr });
      else reject(new Error(stderr, { cause: error }));
    });
  });
}

describe.skipIf(missing !== undefined)('WebGPU', { timeout: 300_000 }, () => {
  beforeAll(async () => {
    await startEngine('webgpu');
    // Otherwise small tensors would be computed by the CPU backend, which these tests compare with.
    tf.env().set('WEBGPU_CPU_FORWARD', false);
    // The CPU backend logs a recommendation.
    tf.env().set('IS_TEST', true);
  }, 300_000);
  afterAll(() => tf.env().set('WEBGPU_CPU_FORWARD', true));

  /** Returns the result of the CPU backend of TensorFlow.js, which is plain JavaScript. */
  async function onCpu(f: () => tf.Tensor[]): Promise<ArrayLike<number>[]> {
    await tf.setBackend('cpu');
    try {
      const results = tf.tidy(f);
      const values = results.map((result) => result.dataSync());
      tf.dispose(results);
      return values;
    } finally {
      await tf.setBackend('webgpu');
    }
  }

  async function expectLikeCpu(f: () => tf.Tensor[]): Promise<void> {
    const expected = await onCpu(f);
    const actual = tf.tidy(f);
    actual.forEach((tensor, i) => expectClose(tensor, expected[i]));
    tf.dispose(actual);
  }

  test('is the backend, and names its device', async () => {
    expect(tf.getBackend()).toBe('webgpu');
    const engine = await startEngine();
    expect(engine).toMatchObject({ name: 'webgpu', backend: 'WebGPU', threads: 1 });
    expect(engine.versions.webgpu).toMatch(/^\d+\.\d+\.\d+$/);
    expect(engine.hardware).toMatch(/SwiftShader|llvmpipe/);
    // The browser's globals exist only while the backend starts.
    const { navigator = {} } = globalThis as { navigator?: object };
    expect(navigator).not.toHaveProperty('gpu');
  });

  test('an emulated GPU is never chosen automatically', async () => {
    const automatic = await startWithoutNative('auto');
    expect(automatic.name).toBe('wasm');
    expect(automatic.stderr).toBe('');
    // A process ends after its last line, although the GPU is open.
    expect(await startWithoutNative('webgpu')).toMatchObject({ name: 'webgpu' });
  });

  describe('reading', () => {
    test('waits for the GPU', () => {
      let x = sample([64, 64]);
      for (let i = 0; i < 20; i++) x = tf.add(x, 1);
      expectClose(
        x,
        sample([64, 64])
          .dataSync()
          .map((value) => value + 20),
      );
      expect([...tf.cast(tf.tensor([1.5, -2]), 'int32').dataSync()]).toEqual([1, -2]);
      expect([...tf.greater(tf.tensor([1, 3]), 2).dataSync()]).toEqual([0, 1]);
      expect(tf.add(tf.zeros([0, 3]), 1).dataSync()).toHaveLength(0);
    });

    test('synchronous and asynchronous reads do not disturb each other', async () => {
      const [a, b] = [tf.add(sample([9]), 1), tf.add(sample([9]), 2)];
      const turn = new Promise((resolve) => {
        setImmediate(() => resolve('later'));
      });
      const later = a.data();
      const atOnce = b.dataSync();
      expect(Array.from(await later, (value) => Math.fround(value + 1))).toEqual(
        Array.from(atOnce, (value) => expect.closeTo(value, 5)),
      );
      expect(await turn).toBe('later');
    });

    test('leaves no memory behind', () => {
      const used = () => (tf.memory() as unknown as { numBytesInGPU: number }).numBytesInGPU;
      const read = () => tf.tidy(() => tf.add(sample([128]), 1).dataSync());
      read();
      const before = used();
      for (let i = 0; i < 5; i++) read();
      expect(used()).toBe(before);
    });
  });

  describe('kernels', () => {
    test.each([
      { stride: 1, pad: 'same' as const, channels: [3, 5] },
      { stride: 2, pad: 1, channels: [2, 3] },
      { stride: 3, pad: 'valid' as const, channels: [4, 4] },
    ])('a convolution and its gradients: %j', async ({ stride, pad, channels: [from, to] }) => {
      await expectLikeCpu(() => {
        const [x, filter] = [sample([2, 7, 6, from]), sample([3, 3, from, to], 1)];
        const convolve = (a: tf.Tensor, b: tf.Tensor) =>
          tf.conv2d(a as tf.Tensor4D, b as tf.Tensor4D, stride, pad);
        const y = convolve(x, filter);
        return [y, ...tf.grads(convolve)([x, filter], sample(y.shape, 2))];
      });
    });

    test.each([
      [2, 2, 'valid'],
      [3, 2, 'valid'],
      [3, 2, 'same'],
      [2, 1, 'same'],
      [3, 3, 1],
    ] as const)('max pooling and its gradient: %j, stride %j, %j', async (size, stride, pad) => {
      const pool = (x: tf.Tensor) => tf.maxPool(x as tf.Tensor4D, size, stride, pad);
      const x = () => sample([2, 7, 6, 3]);
      await expectLikeCpu(() => [pool(x())]);
      expectGradient((y) => tf.sum(tf.mul(pool(y), sample(pool(y).shape, 3))), [sample([1, 5, 4, 1])], {
        step: 2 ** -10,
      });
    });

    test('the gradient of max pooling goes to the first of equal values', () => {
      const x = tf.tensor([1, 1, 0, 2, 1, 1, 2, 2], [1, 2, 4, 1]);
      const gradient = tf.grad((y: tf.Tensor) => tf.maxPool(y as tf.Tensor4D, 2, 2, 'valid'))(
        x,
        tf.tensor([5, 7], [1, 1, 2, 1]),
      );
      expect([...gradient.dataSync()]).toEqual([5, 0, 0, 7, 0, 0, 0, 0]);
    });

    test('relu and its gradient, without leaving tensors behind', () => {
      const x = tf.tensor([-1, 0, 2, 1e-30]);
      const dy = tf.tensor([5, 6, 7, 8]);
      const gradient = () => tf.grad((y: tf.Tensor) => tf.relu(y))(x, dy);
      expect([...tf.relu(x).dataSync()]).toEqual([0, 0, 2, Math.fround(1e-30)]);
      expect([...gradient().dataSync()]).toEqual([0, 0, 7, 8]);
      expectNoLeak(gradient);
    });

    test.each([
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ])('products of matrices (%s, %s)', async (transposeA, transposeB) => {
      await expectLikeCpu(() => {
        const [a, b] = [sample(transposeA ? [5, 33] : [33, 5]), sample(transposeB ? [9, 5] : [5, 9], 1)];
        const product = (x: tf.Tensor, y: tf.Tensor) => tf.matMul(x, y, transposeA, transposeB);
        return [product(a, b), ...tf.grads(product)([a, b], sample([33, 9], 2))];
      });
    });

    test.each([
      [0, false],
      [1, false],
      [2, false],
      [1, true],
      [2, true],
    ] as const)('sums and products from the end, along axis %j, exclusive: %j', async (axis, exclusive) => {
      await expectLikeCpu(() => {
        const x = sample([3, 4, 5]);
        return [tf.cumsum(x, axis, exclusive, true), tf.cumprod(x, axis, exclusive, true)];
      });
    });

    test('the gradients of cumulative sums and products along rows', async () => {
      await expectLikeCpu(() => {
        const x = sample([3, 4, 5]);
        return [
          tf.grad((y: tf.Tensor) => tf.cumsum(y, 2))(x, sample([3, 4, 5], 2)),
          tf.grad((y: tf.Tensor) => tf.prod(y, 2))(x, sample([3, 4], 3)),
        ];
      });
    });

    test.each([
      ['exp', tf.exp, [Math.E, Number.NaN, 0, Number.POSITIVE_INFINITY, 1]],
      ['log', tf.log, [0, Number.NaN, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]],
      ['sigmoid', tf.sigmoid, [1 / (1 + 1 / Math.E), Number.NaN, 0, 1, 0.5]],
      ['softplus', tf.softplus, [Math.log(1 + Math.E), Number.NaN, 0, Number.POSITIVE_INFINITY, Math.LN2]],
    ] as const)('%s of NaN is NaN', (_, f, expected) => {
      const values = f(tf.tensor([1, Number.NaN, -300, Number.POSITIVE_INFINITY, 0])).dataSync();
      expect([...values]).toEqual(
        expected.map((value) => (Number.isFinite(value) ? expect.closeTo(value, 5) : value)),
      );
    });

    test('exp, log, sigmoid and softplus over their whole range', async () => {
      await expectLikeCpu(() => {
        const x = tf.linspace(-12, 12, 97);
        return [tf.exp(x), tf.sigmoid(x), tf.softplus(x), tf.log(tf.exp(x))];
      });
    });
  });

  test('a step of training gives the weights that the CPU gives', async () => {
    const small: Forward = (net, image) => {
      const stage = (name: string, x: typeof image) =>
        net.maxPool(net.relu(net.conv(name, x, { out: 8, kernel: 3, padding: 1 })), { size: 2 });
      let x = net.flatten(stage('features.3', stage('features.0', image)));
      x = net.relu(net.linear('classifier.0', x, { out: 32 }));
      x = net.dropout('classifier.2', x, 0.1);
      return net.linear('classifier.3', x, { out: 10 });
    };
    const { parameters } = trace(small, [12, 12, 3]);
    const first = initialValues(parameters, 7);
    /** Runs two steps of gradient descent on a cross-entropy. */
    const train = () => {
      let weights: Tensors = Object.fromEntries(
        parameters.map(({ name, shape }) => [name, tf.tensor(first[name], shape)]),
      );
      const names = Object.keys(weights);
      const losses: tf.Tensor[] = [];
      for (let step = 1; step <= 2; step++) {
        const labels = tf.oneHot(tf.tensor([3, 1, 4, 1], [4], 'int32'), 10);
        const { value, grads } = tf.valueAndGrads((...tensors: tf.Tensor[]) => {
          const named = Object.fromEntries(tensors.map((tensor, i) => [names[i], tensor]));
          const { output } = run(small, named, sample([4, 12, 12, 3], step), {
            training: { seed: 5, step },
          });
          return tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(output), labels), -1)));
        })(Object.values(weights));
        losses.push(value);
        weights = Object.fromEntries(
          names.map((name, i) => [name, tf.sub(weights[name], tf.mul(grads[i], 0.1))]),
        );
      }
      return [...losses, ...Object.values(weights)];
    };
    await expectLikeCpu(train);
  });

  test('an operation that the GPU refuses is an error of the next read', () => {
    // This test is the last because afterwards every read of this device throws.
    const { device } = tf.backend() as unknown as {
      device: { createBuffer(descriptor: { size: number; usage: number }): unknown };
    };
    device.createBuffer({ size: 16, usage: 0 });
    expect(() => tf.add(sample([3]), 1).dataSync()).toThrow(/^the GPU refused an operation: ./);
  });
});
