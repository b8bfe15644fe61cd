import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { layerPairs, layerPairsOptions } from '../layers.ts';
import type { Term } from '../term.ts';
import { maskedMean, tokenMask, tokenMaskTap } from '../token-mask.ts';

const options = z.strictObject({ weight: weightSchema.default(1), ...layerPairsOptions });

const scores = { prefix: 'attention', axes: ['heads', 'tokens', 'tokens'] };

/**
 * Attention of transformers: the sum over the student's layers of mean (A_s − A_t)², where A are the scores q·kᵀ/√d of
 * each head before the softmax, `[batch, heads, tokens, tokens]` (Jiao et al., TinyBERT, Findings of EMNLP 2020,
 * arXiv:1909.10351). Layer i of M learns from the teacher's layer ⌈i·N/M⌉ of N. The mean is over pairs of tokens
 * without padding, where the authors' code counts padding as well.
 *
 * If the networks differ in their numbers of heads, the means over heads are compared; the paper does not cover this
 * case.
 */
export const attentionHeads: Term<typeof options> = {
  type: 'attention_heads',
  summary: "Matches a transformer's attention scores head by head, by squared error summed over layers.",
  formula:
    'Σ_layers mean (A_s − A_t)², A = q·kᵀ/√d of each head before the softmax; the mean over heads where their numbers differ',
  reference: 'https://arxiv.org/abs/1909.10351',
  options,
  bind(choice, studentTaps, teacherTaps) {
    const layers = layerPairs(scores, choice, studentTaps, teacherTaps);
    const mask = tokenMaskTap(studentTaps, studentTaps[layers[0].student][1]);
    return {
      student: [...layers.map((pair) => pair.student), ...mask],
      teacher: layers.map((pair) => pair.teacher),
      matching: true,
      auxiliary: {},
      loss({ student, teacher }) {
        const present = tokenMask(student, mask);
        const pairs = present && tf.mul(tf.expandDims(present, 2), tf.expandDims(present, 1));
        return tf.addN(
          layers.map((pair) => {
            const [s, t] = [student[pair.student], teacher[pair.teacher]];
            const equal = s.shape[1] === t.shape[1];
            const difference = equal ? tf.sub(s, t) : tf.sub(tf.mean(s, 1, true), tf.mean(t, 1, true));
            return maskedMean(tf.square(difference), pairs && tf.expandDims(pairs, 1));
          }),
        );
      },
    };
  },
};
