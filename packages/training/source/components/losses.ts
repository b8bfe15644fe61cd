import { DistilleryError } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import type { Component } from './component.ts';

export interface Losses extends Component {
  /**
   * Adds the losses of a step.
   *
   * @param losses `[names]`; it is disposed
   */
  add(losses: tf.Tensor, batchSize: number): void;
  /**
   * Returns the means over the samples since the last call, and their number.
   *
   * @param step the number of completed steps
   * @throws DistilleryError `nan`, naming the step and the losses that were not finite first
   */
  gather(step: number): { means: Record<string, number>; samples: number };
  /** The means of the current epoch so far; undefined when nothing has been gathered. */
  ofEpoch(): Record<string, number> | undefined;
  /** Ends the epoch, so that `last` returns its means. */
  closeEpoch(): void;
  /** The means of the last completed epoch. */
  last(): Record<string, number>;
}

/**
 * Sums the losses of an epoch. Losses of several steps are summed on the device, so that no step waits for a read.
 *
 * @param names the names of the losses; the last one is the weighted sum of the others
 */
export function runningLosses(names: readonly string[], stepsPerEpoch: number): Losses {
  /** The sums of the losses, and the number of steps at which each was finite: `[2, names]`. */
  let gathered: tf.Tensor = tf.zeros([2, names.length]);
  let pending = { steps: 0, samples: 0 };
  let epoch = nothing();
  let last: Record<string, number> = {};
  return {
    name: 'losses',

    add(losses, batchSize) {
      const sum = tf.tidy(() => {
        const finite = tf.cast(tf.isFinite(losses), 'float32');
        return tf.add(gathered, tf.stack([tf.mul(losses, batchSize), finite]));
      });
      tf.dispose([gathered, losses]);
      gathered = sum;
      pending.steps++;
      pending.samples += batchSize;
    },

    gather(step) {
      const { samples } = pending;
      const values = gathered.dataSync() as Float32Array;
      const [sums, finite] = [values.subarray(0, names.length), values.subarray(names.length)];
      if (!sums.every(Number.isFinite)) throw diverged(sums, finite, step);
      epoch.sums = epoch.sums.map((sum, index) => sum + sums[index]);
      epoch.samples += samples;
      gathered.dispose();
      gathered = tf.zeros([2, names.length]);
      pending = { steps: 0, samples: 0 };
      return { means: meansOf(sums, samples), samples };
    },

    ofEpoch: () => (epoch.samples === 0 ? undefined : meansOf(epoch.sums, epoch.samples)),
    closeEpoch() {
      last = meansOf(epoch.sums, epoch.samples);
      epoch = nothing();
    },
    last: () => last,

    state(step) {
      // A run may stop between two rows, while losses are still on the device.
      if (pending.steps > 0) this.gather(step);
      return { facts: { ...epoch, last } };
    },
    restore({ facts }) {
      const kept = facts as typeof epoch & { last: typeof last };
      epoch = { sums: kept.sums, samples: kept.samples };
      last = kept.last;
    },
    dispose: () => gathered.dispose(),
  };

  function nothing(): { sums: number[]; samples: number } {
    return { sums: names.map(() => 0), samples: 0 };
  }

  function meansOf(sums: ArrayLike<number>, samples: number): Record<string, number> {
    return Object.fromEntries(names.map((name, index) => [name, sums[index] / samples]));
  }

  /** Names the losses that were not finite first: one step later all weights, and so all losses, are not finite. */
  function diverged(sums: Float32Array, finite: Float32Array, step: number): DistilleryError {
    const { steps } = pending;
    const good = Math.min(...finite);
    // The losses of all steps may be finite although their sum is not.
    const isBad = (index: number) => (good < steps ? finite[index] === good : !Number.isFinite(sums[index]));
    const bad = names.flatMap((name, index) => (isBad(index) ? [{ name, value: sums[index] }] : []));
    // The weighted sum is not finite when a term is not.
    const terms = bad.length > 1 ? bad.filter(({ name }) => name !== names.at(-1)) : bad;
    const what = `${terms.map(({ name }) => name).join(' and ')} ${terms.length > 1 ? 'are' : 'is'} ${terms[0].value}`;
    const at = step - steps + Math.min(good + 1, steps);
    const atEpoch = Math.ceil(at / stepsPerEpoch);
    return new DistilleryError(
      'nan',
      `${what} at step ${at} (epoch ${atEpoch}); try a smaller learning rate`,
    );
  }
}
