import { type NetworkPlan, trace } from '@distillery/engine';
import type { Pretraining } from '@distillery/methods';
import { digestOf, type Training } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import type { PlannedStudent } from './planning/layout.ts';
import type { DeviceBatch } from './device-batch.ts';
import type { MemberRun } from './member.ts';
import type { WeightedTerm } from './method.ts';
import { createNetwork } from './network.ts';

/** An auxiliary network that is trained on a teacher's tap before the student, and then stays as it is. */
export interface Pretrained {
  /** The term that reads it, and its name there. */
  term: string;
  part: string;
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
export function pretrainedOf({ student, method }: Pick<PlannedStudent, 'student' | 'method'>): Pretrained[] {
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
        return [{ term: name, part, plan, whole, how, training, key: key.slice(0, 12) }];
      },
    ),
  );
}

/** The training: what the network makes of a teacher's tap is to be the tap. */
export function reconstruction({ how: { tap, forward }, whole: { inputShape } }: Pretrained, seed: number) {
  const output = 'reconstruction';
  const network = createNetwork((net, x) => net.tap(output, forward(net, x)), inputShape, seed);
  const term: WeightedTerm = {
    name: 'reconstruction',
    weight: 1,
    bound: {
      student: [output],
      teacher: [tap],
      matching: false,
      auxiliary: {},
      loss: ({ student, teacher }) => tf.mean(tf.square(tf.sub(student[output], teacher[tap]))),
    },
  };
  const input = ({ teacher }: DeviceBatch) => teacher[tap];
  return { name: '', network, method: [term], seed, input } satisfies MemberRun;
}
