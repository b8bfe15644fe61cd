import { logSoftmax, probabilities } from '@distillery/engine';
import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { divergence, sharedClasses, temperatureSchema } from '../logits.ts';
import { type Term, TapError } from '../term.ts';

const factor = z.number().min(0).max(1e6);
const options = z.strictObject({
  weight: weightSchema.default(1),
  temperature: temperatureSchema.default(4),
  alpha: factor.default(1).describe('Weight α of the divergence between the label and all other classes.'),
  beta: factor.default(8).describe('Weight β of the divergence among the other classes.'),
});

/** A number far below every logit that stays finite when it is added to one. */
const LOWEST = -1e30;

/**
 * Decoupled knowledge distillation: T²·[α·KL(b_t ‖ b_s) + β·KL(q_t ‖ q_s)], where b = (p_y, 1 − p_y) is the probability
 * of the label against all other classes, and q the softmax over the classes without the label, of logits `[batch, K]`
 * (Zhao et al., CVPR 2022, arXiv:2203.08679).
 *
 * The reference implementation takes the logarithm of a sum of probabilities, which is −∞ for a student that is
 * certain; here b is computed from the logits (z_y, log Σ_{k≠y} exp z_k). The reference lowers the label's logit by
 * 1000; here the label has no weight in q at any temperature. The reference also ramps the weight over the first 20
 * epochs, which is not part of the loss and off by default: `"weight": {"schedule": "linear", "from": 0, "to": 1,
 * "epochs": 20}`.
 *
 * A sample that is mixed from two has the loss of either label, weighted by its share, as mixup (arXiv:1710.09412) mixes
 * cross-entropy.
 */
export const decoupled: Term<typeof options> = {
  type: 'decoupled',
  summary:
    'Matches softened predictions by two weighted KL divergences: the label against the rest, and the rest among themselves.',
  formula:
    'T²·[α·KL(b_t ‖ b_s) + β·KL(q_t ‖ q_s)], b = (p_y, 1 − p_y), p = softmax(z/T), q = softmax(z/T) over the classes except y',
  reference: 'https://arxiv.org/abs/2203.08679',
  options,
  bind({ temperature, alpha, beta }, studentTaps, teacherTaps) {
    const classes = sharedClasses(studentTaps, teacherTaps);
    if (classes < 3) {
      throw new TapError('', `needs at least 3 classes, the networks have ${classes}`, undefined);
    }
    return {
      student: ['logits'],
      teacher: ['logits'],
      reads: ['labels', 'mixed'],
      matching: true,
      auxiliary: {},
      loss({ student, teacher, labels, mixed, at }) {
        const T = at(temperature);
        const [ours, theirs] = [tf.div(student.logits, T), tf.div(teacher.logits, T)];
        const lossOf = (own: tf.Tensor1D, shares?: tf.Tensor) => {
          const label = probabilities(own, classes);
          const [s, t] = [decouple(ours, label), decouple(theirs, label)];
          return tf.add(
            tf.mul(divergence(t.binary, s.binary, shares), alpha),
            tf.mul(divergence(t.others, s.others, shares), beta),
          );
        };
        const loss =
          mixed === undefined
            ? lossOf(labels)
            : tf.add(lossOf(labels, mixed.shares), lossOf(mixed.labels, tf.sub(1, mixed.shares)));
        return tf.mul(loss, tf.square(T));
      },
    };
  },
};

/** Computes the log-probabilities of b, `[batch, 2]`, and of q, `[batch, K]`. */
function decouple(logits: tf.Tensor, label: tf.Tensor) {
  const others = tf.add(logits, tf.mul(label, LOWEST));
  const ofLabel = tf.sum(tf.mul(logits, label), -1);
  return {
    binary: logSoftmax(tf.stack([ofLabel, tf.logSumExp(others, -1)], -1)),
    others: logSoftmax(others),
  };
}
