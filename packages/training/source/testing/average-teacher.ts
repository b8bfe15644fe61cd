import type { Term } from '@distillery/methods';
import { type Choice, weightSchema } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { ComponentKind } from '../components/component-kind.ts';
import { componentKinds } from '../components/index.ts';
import { assignValues, createNetwork, disposeNetwork, readValues } from '../network.ts';
import { runTaps } from '../taps.ts';
import { valuesOf } from '../tensor-tree.ts';

const options = z.strictObject({ decay: z.number().default(0.5) });

/** A teacher that averages its student: decay 0.5 is the mean of the average before and the student now. */
export const average: ComponentKind<typeof options> = {
  type: 'average',
  summary: 'Averages the student.',
  options,
  create({ decay }, { network, input }) {
    const { forward, plan, variables } = network;
    const shadow = createNetwork(forward, plan.inputShape, readValues(variables), true);
    return {
      provide: (batch, taps) =>
        runTaps(shadow, { images: input(batch), labels: batch.labels }, { taps }).taps,
      update() {
        for (const [name, kept] of Object.entries(shadow.variables)) {
          tf.tidy(() => kept.assign(tf.add(tf.mul(kept, decay), tf.mul(variables[name], 1 - decay))));
        }
      },
      state: () => ({ tensors: readValues(shadow.variables) }),
      restore: ({ tensors }) => assignValues(shadow.variables, valuesOf(tensors)),
      dispose: () => disposeNetwork(shadow),
    };
  },
};

/** The average with its options filled in, as a bound term names it. */
export function averageChoice(decay?: number): Choice {
  return componentKinds.schema.parse({ type: 'average', decay });
}

const termOptions = z.strictObject({
  weight: weightSchema.default(1),
  decay: z.number().optional(),
});

/** Draws a student towards its own average. */
export const towardsAverage: Term<typeof termOptions> = {
  type: 'towards_average',
  summary: 'Squared error to the logits of the average.',
  formula: 'mean (z_s − z_t)²',
  options: termOptions,
  component: ({ decay }) => ({ type: 'average', decay }),
  bind: () => ({
    student: ['logits'],
    teacher: ['logits'],
    matching: true,
    auxiliary: {},
    loss: ({ student, teacher }) => tf.mean(tf.square(tf.sub(student.logits, teacher.logits))),
  }),
};
