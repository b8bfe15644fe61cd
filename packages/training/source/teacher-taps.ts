import type { Target, Tensors } from '@distillery/engine';
import type { TeacherProvider } from '@distillery/teachers';
import type * as tf from '@tensorflow/tfjs-core';
import type { TeacherRows } from './batches/batch-thread.ts';
import { combinedTaps, type Ensemble } from './ensemble.ts';
import { compiledPredictor, predictTaps } from './evaluate.ts';

/**
 * Where the taps of a student's teachers come from: stored rows, or forward passes in the training loop. Both give tensors of
 * the same names and shapes, so that a step does not know the difference.
 */
export interface TeacherTaps {
  /** What the batch thread reads beside the inputs; absent where nothing is stored. */
  readonly rows?: TeacherRows;
  /**
   * Returns the taps that terms read, for one batch: `[batch, …]` each. No gradient passes through them. Call it in a tidy,
   * which owns the tensors.
   *
   * @param batch `inputs` is `[batch, …shape]`, `labels` are class numbers `[batch]`, int32, or
   *   probabilities `[batch, classes]`; `rows` are the stored rows, by tap
   */
  of(batch: { inputs: tf.Tensor; labels: Target; rows: Tensors }): Tensors;
  /** Frees the teachers' memory on the device. */
  dispose(): void;
}

/**
 * Takes the taps from stored rows.
 *
 * @param ensemble the teachers whose logits are combined; absent for a single one
 */
export function storedTaps(rows: TeacherRows, ensemble?: Ensemble): TeacherTaps {
  return {
    rows,
    of: ({ labels, rows: read }) => combinedTaps(read, labels, ensemble),
    dispose() {},
  };
}

/** A teacher that runs in the training loop. */
export interface TeacherInLoop {
  provider: Pick<TeacherProvider, 'taps' | 'activations' | 'predict' | 'dispose'>;
  /** For each tap that is read, the name by which terms read it. */
  names: Readonly<Record<string, string>>;
}

/**
 * Computes the taps in the training loop, with the teachers in evaluation.
 *
 * @param teachers are disposed together
 * @param ensemble as for `storedTaps`
 */
export function computedTaps(teachers: readonly TeacherInLoop[], ensemble?: Ensemble): TeacherTaps {
  const compiled = teachers.map(({ provider, names }) => {
    const wanted = Object.keys(names);
    return { names, wanted, predictor: compiledPredictor(provider, wanted) };
  });
  return {
    of({ inputs, labels }) {
      const taps: Tensors = {};
      for (const { predictor, names, wanted } of compiled) {
        const own = predictTaps(predictor, { images: inputs, labels }, wanted);
        for (const [tap, name] of Object.entries(names)) taps[name] = own[tap];
      }
      return combinedTaps(taps, labels, ensemble);
    },
    dispose() {
      for (const { predictor } of compiled) predictor.dispose();
      for (const { provider } of teachers) provider.dispose();
    },
  };
}
