import { feedScalar, gradientsOf } from '@distillery/engine';
import * as tf from '@tensorflow/tfjs-core';
import type { DeviceBatch } from './device-batch.ts';
import { label, type Member } from './member.ts';
import { type Assignment, type MemberTerm, stepContext, type StepSetup } from './step-context.ts';
import type { StepNumbers } from './step-numbers.ts';

/**
 * Takes one training step of all members: a function of the batch, the step's numbers and the variables that reads nothing
 * back from the device, and the numbers only through `feed`.
 *
 * @param setup with the terms of all members, in the order of `numbers.weights`
 * @returns each term's loss before its weight, then the weighted sum: `[terms + 1]`
 */
export function takeStep(
  setup: StepSetup & { terms: readonly MemberTerm[] },
  batch: DeviceBatch,
  numbers: StepNumbers,
): tf.Tensor1D {
  const { members, terms } = setup;
  let statistics: Assignment[] = [];
  let losses: tf.Tensor | undefined;
  const { value, gradients } = gradientsOf(() => {
    const context = stepContext(setup, terms, batch, numbers);
    const values = terms.map((term) => context.loss(term));
    const total = tf.addN(
      values.map((loss, index) =>
        tf.mul(
          loss,
          feedScalar(() => numbers.weights[index]),
        ),
      ),
    );
    losses = tf.keep(tf.stack([...values, total]));
    statistics = context.statistics;
    return total as tf.Scalar;
  }, trainedBy(members));
  value.dispose();
  const optimizerStep = {
    get rate() {
      return numbers.rate;
    },
    get step() {
      return numbers.step + 1;
    },
  };
  for (const member of members) {
    const own = Object.keys(member.trained).map((name) => [name, gradients[label(member, name)]]);
    member.optimizer.apply(Object.fromEntries(own), optimizerStep);
  }
  for (const { variable, value: next } of statistics) {
    variable.assign(next);
    next.dispose();
  }
  for (const { components } of members) for (const component of components) component.update?.(numbers);
  return losses as tf.Tensor1D;
}

/** The trainable variables of all members, under names that are unique among them. */
export function trainedBy(members: readonly Member[]): Record<string, tf.Variable> {
  return Object.fromEntries(
    members.flatMap((member) =>
      Object.entries(member.trained).map(([name, variable]) => [label(member, name), variable]),
    ),
  );
}
