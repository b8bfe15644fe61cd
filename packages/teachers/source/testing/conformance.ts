import { sizeOf } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import type { TeacherProvider } from '../provider.ts';

/** A kind of teacher under test. */
export interface ProviderCase {
  /** Opens the same teacher as often as it is called. */
  open(): Promise<TeacherProvider>;
  /** `[height, width, channels]` of its images. */
  shape: number[];
}

/** What every teacher provider must do, whatever its outputs come from. Start the engine before. */
export function teacherConformance(name: string, prepare: () => Promise<ProviderCase>): void {
  describe(name, () => {
    const batchOf = (shape: number[], size: number) => ({
      images: tf.randomUniform([size, ...shape], -1, 1, 'float32', 5),
      labels: tf.tensor1d(
        Array.from({ length: size }, (_, i) => i % 2),
        'int32',
      ),
    });
    const valuesOf = (provider: TeacherProvider, shape: number[], size: number, taps: readonly string[]) =>
      tf.tidy(() => {
        const outputs = provider.predict(batchOf(shape, size), taps);
        return Object.fromEntries(
          Object.entries(outputs).map(([tap, tensor]) => [
            tap,
            { shape: tensor.shape, values: [...tensor.dataSync()] },
          ]),
        );
      });

    test('names its taps with their shapes, and puts out those that are asked for', async () => {
      const { open, shape } = await prepare();
      const provider = await open();
      const names = Object.keys(provider.taps);
      expect(names).toContain('logits');
      const outputs = valuesOf(provider, shape, 3, names);
      expect(Object.keys(outputs).sort()).toEqual([...names].sort());
      for (const name of names) {
        expect(outputs[name].shape, name).toEqual([3, ...provider.taps[name]]);
        expect(outputs[name].values.length).toBe(3 * sizeOf(provider.taps[name]));
        expect(outputs[name].values.every(Number.isFinite), name).toBe(true);
      }
      expect(Object.keys(valuesOf(provider, shape, 1, ['logits']))).toEqual(['logits']);
      provider.dispose();
    });

    test('has one digest and the same outputs whenever it is opened', async () => {
      const { open, shape } = await prepare();
      const [first, second] = [await open(), await open()];
      expect(first.digest).toMatch(/^[0-9a-f]{64}$/);
      expect(second.digest).toBe(first.digest);
      expect(valuesOf(second, shape, 2, ['logits'])).toEqual(valuesOf(first, shape, 2, ['logits']));
      first.dispose();
      second.dispose();
    });

    test('leaves no tensor behind', async () => {
      const { open, shape } = await prepare();
      const before = tf.memory().numTensors;
      const provider = await open();
      const batch = batchOf(shape, 2);
      const opened = tf.memory().numTensors;
      tf.dispose(provider.predict(batch, Object.keys(provider.taps)));
      expect(tf.memory().numTensors).toBe(opened);
      tf.dispose([batch.images, batch.labels]);
      provider.dispose();
      expect(tf.memory().numTensors).toBe(before);
    });

    test('sizes its batches by a positive number of activations', async () => {
      const { open } = await prepare();
      const provider = await open();
      expect(provider.activations).toBeGreaterThan(0);
      provider.dispose();
    });
  });
}
