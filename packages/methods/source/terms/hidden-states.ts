import { weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { layerPairs, layerPairsOptions } from '../layers.ts';
import type { Auxiliary, Term } from '../term.ts';
import { maskedMean, tokenMask, tokenMaskTap } from '../token-mask.ts';

const options = z.strictObject({ weight: weightSchema.default(1), ...layerPairsOptions });

const sequence = { prefix: 'hidden', axes: ['tokens', 'width'] };

/**
 * Hidden states of transformers: the sum over the student's layers of mean (H_s·W − H_t)², where H is the output of a
 * layer, `[batch, tokens, width]` (Jiao et al., TinyBERT, Findings of EMNLP 2020, arXiv:1909.10351). Layer i of M
 * learns from the teacher's layer ⌈i·N/M⌉ of N. W is a trained linear layer for each pair whose widths differ; states
 * of equal width are compared directly. The mean is over the tokens without padding, where the authors' code counts padding as well.
 */
export const hiddenStates: Term<typeof options> = {
  type: 'hidden_states',
  summary:
    "Matches the outputs of a transformer's layers by squared error, through a trained linear layer where widths differ.",
  formula:
    'Σ_layers mean (W·H_s − H_t)², H the output of a layer, [B, tokens, width], W a trained linear layer where widths differ',
  reference: 'https://arxiv.org/abs/1909.10351',
  options,
  bind(choice, studentTaps, teacherTaps) {
    const layers = layerPairs(sequence, choice, studentTaps, teacherTaps);
    const auxiliary: Record<string, Auxiliary> = {};
    for (const [i, pair] of layers.entries()) {
      const inputShape = studentTaps[pair.student];
      const [, out] = teacherTaps[pair.teacher];
      if (inputShape[1] === out) continue;
      auxiliary[projector(i)] = { inputShape, forward: (net, x) => net.linear('linear', x, { out }) };
    }
    const mask = tokenMaskTap(studentTaps, studentTaps[layers[0].student][0]);
    return {
      student: [...layers.map((pair) => pair.student), ...mask],
      teacher: layers.map((pair) => pair.teacher),
      // With a projector, equal states still have the projector's error as their loss.
      matching: Object.keys(auxiliary).length === 0,
      auxiliary,
      loss({ student, teacher, auxiliary: apply }) {
        const present = tokenMask(student, mask);
        return tf.addN(
          layers.map((pair, i) => {
            const s = student[pair.student];
            const ours = projector(i) in auxiliary ? apply(projector(i), s) : s;
            const squares = tf.square(tf.sub(ours, teacher[pair.teacher]));
            return maskedMean(squares, present && tf.expandDims(present, 2));
          }),
        );
      },
    };
  },
};

const projector = (index: number) => `projector${index + 1}`;
