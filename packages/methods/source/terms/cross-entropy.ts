import { probabilities, softmaxCrossEntropy, targetOf } from '@distillery/engine';
import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { logitsTap } from '../logits.ts';
import type { Term } from '../term.ts';

const options = z.strictObject({
  weight: weightSchema.default(1),
  student: z
    .string()
    .max(64)
    .optional()
    .describe(
      'Tap of the student\'s logits. Defaults to "logits", which is the mean of the heads if a network has several.',
    ),
  labelSmoothing: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe('Share ε of the target that is spread evenly over all classes.'),
});

/**
 * Cross-entropy with the labels: −mean log softmax(z)_y of logits `[batch, K]`. With label smoothing ε the target is
 * (1 − ε)·onehot(y) + ε/K (Szegedy et al., 2016, "Rethinking the Inception Architecture", arXiv:1512.00567). Where samples
 * are mixed, onehot(y) is λ·onehot(y_a) + (1 − λ)·onehot(y_b) (arXiv:1710.09412). Where classes have weights, the mean is
 * Σ w·loss / Σ w, with the weight of a sample's label, as in PyTorch's CrossEntropyLoss. Samples without a class have the weight 0; the
 * loss of a batch of these alone is 0.
 */
export const crossEntropy: Term<typeof options> = {
  type: 'cross_entropy',
  summary: 'Trains on the labels by cross-entropy.',
  formula: '−mean log p_y, p = softmax(z_s); smoothed: −mean Σ_k q_k·log p_k, q = (1 − ε)·onehot(y) + ε/K',
  reference: 'https://arxiv.org/abs/1512.00567',
  options,
  bind({ labelSmoothing, ...choice }, studentTaps) {
    const tap = logitsTap(choice.student, 'logits', studentTaps);
    return {
      student: [tap],
      teacher: [],
      reads: ['labels', 'mixed', 'labelled', 'classWeights'],
      matching: false,
      auxiliary: {},
      loss({ student, labels, mixed, labelled, classWeights, classes }) {
        const logits = student[tap] as tf.Tensor2D;
        const target = targetOf({ labels, mixed }, classes);
        const mean = (losses: tf.Tensor1D) => {
          const ofClasses = classWeights && tf.sum(tf.mul(probabilities(target, classes), classWeights), 1);
          const weights = ofClasses && labelled ? tf.mul(ofClasses, labelled) : (ofClasses ?? labelled);
          if (weights === undefined) return tf.mean(losses);
          const total = tf.sum(weights);
          // A batch may have no sample with a class.
          const divisor = labelled === undefined ? total : tf.maximum(total, 1e-12);
          return tf.div(tf.sum(tf.mul(losses, weights)), divisor);
        };
        if (labelSmoothing === 0) return mean(softmaxCrossEntropy(logits, target));
        // Smoothing is done by arithmetic because oneHot accepts only whole numbers as its on and off values.
        const hot = probabilities(target, classes);
        const smoothed = tf.add(tf.mul(hot, 1 - labelSmoothing), labelSmoothing / classes);
        return mean(softmaxCrossEntropy(logits, smoothed as tf.Tensor2D));
      },
    };
  },
};
