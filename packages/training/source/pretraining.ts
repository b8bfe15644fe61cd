import { type NetworkPlan, trace } from '@distillery/engine';
import type { Pretraining } from '@distillery/methods';
import { digestOf, type Training } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import type { PlannedStudent } from './planning/layout.ts';
import type { DeviceBatch } from './device-batch.ts';
import type { MemberRun } from './member.ts';
import type { WeightedTerm } from './method.ts';
import { createNetwork } from './network.ts';

/** An auxiliary network that is trained on a teacher's tap before the student, and then frozen. */
export interface Pretrained {
  /** The term that reads it, and the name of the network within the term. */
  term: string;
  part: string;
  /** The part of the trained network that the student reads. */
  plan: NetworkPlan;
  /** The whole network that is trained. */
  whole: NetworkPlan;
  pretraining: Pretraining;
  training: Training;
  /** Identifies the network within a job; students that need equal networks have equal keys. */
  key: string;
}

/** The networks that must be trained before a student. */
export function pretrainedOf({ student, method }: Pick<PlannedStudent, 'student' | 'method'>): Pretrained[] {
  return method.flatMap(({ name, bound }) =>
    Object.entries(bound.auxiliary).flatMap(([part, { forward, inputShape, pretraining }]): Pretrained[] => {
      if (pretraining === undefined) return [];
      const training = { ...student.training, epochs: pretraining.epochs };
      const whole = trace(pretraining.forward, inputShape);
      // It is trained on the student's views, and their number depends on the student's epochs.
      const key = digestOf([
        student.teachers,
        pretraining.tap,
        whole.parameters,
        training,
        student.training.epochs,
      ]);
      const plan = trace(forward, inputShape);
      return [{ term: name, part, plan, whole, pretraining, training, key: key.slice(0, 12) }];
    }),
  );
}

/** The training of an auxiliary network: it learns to reconstruct a teacher's tap. */
export function reconstruction(
  { pretraining: { tap, forward }, whole: { inputShape } }: Pretrained,
  seed: number,
) {
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
