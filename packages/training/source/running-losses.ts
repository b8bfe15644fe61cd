import { DistilleryError } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';

/**
 * The losses of some steps, gathered on the device, so that a step never waits for one to be read.
 *
 * @param names of the losses; the last is the sum of the others
 */
export function runningLosses(names: readonly string[], stepsPerEpoch: number) {
  let gathered = nothing();
  let steps = 0;
  let samples = 0;

  return {
    /** @param losses of one step, `[names]`; disposed */
    add(losses: tf.Tensor, batchSize: number): void {
      const sum = tf.tidy(() => {
        const finite = tf.cast(tf.isFinite(losses), 'float32');
        return tf.add(gathered, tf.stack([tf.mul(losses, batchSize), finite]));
      });
      tf.dispose([gathered, losses]);
      gathered = sum;
      steps++;
      samples += batchSize;
    },

    /**
     * Sums over the samples of the steps since the last reading.
     *
     * @param step of the run that was added last, counted from 1
     * @throws DistilleryError `nan`, naming the losses that went bad first, and when
     */
    read(step: number): { sums: Float32Array; samples: number } {
      const values = gathered.dataSync() as Float32Array;
      const [sums, finite] = [values.subarray(0, names.length), values.subarray(names.length)];
      if (!sums.every(Number.isFinite)) throw diverged(sums, finite, step);
      const read = { sums, samples };
      gathered.dispose();
      gathered = nothing();
      steps = 0;
      samples = 0;
      return read;
    },

    dispose: () => gathered.dispose(),
  };

  /** Sums of the losses, and at how many steps each was a number: `[2, names]`. */
  function nothing(): tf.Tensor {
    return tf.zeros([2, names.length]);
  }

  /** A step after the first bad loss the weights are bad, and with them every loss. */
  function diverged(sums: Float32Array, finite: Float32Array, step: number): DistilleryError {
    const good = Math.min(...finite);
    // Each step's loss may be a number where the sum over the steps is none.
    const isBad = (index: number) => (good < steps ? finite[index] === good : !Number.isFinite(sums[index]));
    const bad = names.flatMap((name, index) => (isBad(index) ? [{ name, value: sums[index] }] : []));
    // The weighted sum goes with the terms.
    const terms = bad.length > 1 ? bad.filter(({ name }) => name !== names.at(-1)) : bad;
    const what = `${terms.map(({ name }) => name).join(' and ')} ${terms.length > 1 ? 'are' : 'is'} ${terms[0].value}`;
    const at = step - steps + Math.min(good + 1, steps);
    const epoch = Math.ceil(at / stepsPerEpoch);
    return new DistilleryError('nan', `${what} at step ${at} (epoch ${epoch}); try a smaller learning rate`);
  }
}
