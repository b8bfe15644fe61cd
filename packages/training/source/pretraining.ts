import { type NetworkPlan, trace } from '@distillery/engine';
import type { Pretraining } from '@distillery/methods';
import { digestOf, type Training } from '@distillery/spec';
import * as tf from '@tensorflow/tfjs-core';
import type { Layout, LaidStudent } from './planning/layout.ts';
import type { WeightedTerm } from './method.ts';
import { auxiliaryStage } from './stages/results.ts';

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

/** The stage that trains it; one for each seed where a teacher is itself a student. */
export function stageOf(
  { students }: Pick<Layout, 'students'>,
  { student: { teachers } }: Pick<LaidStudent, 'student'>,
  key: string,
  seed: number,
): { id: string; seed?: number } {
  const taught = students.some(({ student }) => teachers.includes(student.name));
  return taught ? { id: auxiliaryStage(key, seed), seed } : { id: auxiliaryStage(key) };
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
