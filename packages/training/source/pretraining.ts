import { type NetworkPlan, trace } from '@distillery/engine';
import type { Pretraining } from '@distillery/methods';
import { digestOf, type Training } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import type { LaidStudent } from './planning/layout.ts';
import type { WeightedTerm } from './method.ts';

/** An auxiliary network that is trained on a teacher's tap before the student, and then stays as it is. */
export interface Pretrained {
  /** Of the auxiliary network, `<term>.<auxiliary>`. */
  name: string;
  /** What the student reads of what is trained. */
  plan: NetworkPlan;
  /** What is trained. */
  whole: NetworkPlan;
  how: Pretraining;
  training: Training;
  /** Tells different ones of a job apart; students that ask for the same one have the same. */
  key: string;
}

/** What must be trained before a student. */
export function pretrainedOf({ student, method }: Pick<LaidStudent, 'student' | 'method'>): Pretrained[] {
  return method.flatMap(({ name, bound }) =>
    Object.entries(bound.auxiliary).flatMap(
      ([part, { forward, inputShape, pretraining: how }]): Pretrained[] => {
        if (how === undefined) return [];
        const training = { ...student.training, epochs: how.epochs };
        const whole = trace(how.forward, inputShape);
        // Its views are the student's, whose number hangs on the student's epochs.
        const key = digestOf([
          student.teachers,
          how.tap,
          whole.parameters,
          training,
          student.training.epochs,
        ]);
        const plan = trace(forward, inputShape);
        return [{ name: `${name}.${part}`, plan, whole, how, training, key: key.slice(0, 12) }];
      },
    ),
  );
}

/** The training as a method: what the network makes of a teacher's tap is to be the tap. */
export function reconstruction({ how: { tap, forward }, whole: { inputShape } }: Pretrained): WeightedTerm {
  return {
    name: 'reconstruction',
    weight: 1,
    bound: {
      student: [],
      teacher: [tap],
      matching: false,
      auxiliary: { network: { inputShape, forward } },
      loss: ({ teacher, auxiliary }) =>
        tf.mean(tf.square(tf.sub(auxiliary('network', teacher[tap]), teacher[tap]))),
    },
  };
}
