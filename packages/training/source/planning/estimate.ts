import { type NetworkPlan, sizeOf } from '@distillery/engine';
import type { Training } from '@distillery/spec';
import { type Layout, networkOf, tapsFrom, viewsOf } from './layout.ts';
import { rowType } from '../outputs.ts';

/**
 * What moving one activation through memory costs beside arithmetic, in floating-point operations: about right for
 * both a network of large convolutions and a small one that is bound by memory.
 */
const activationCost = 250;

/** The work of a forward pass of one image, in floating-point operations. */
export function forwardWork({ flops, activations }: NetworkPlan): number {
  return flops + activationCost * activations;
}

/** The work of a training, in floating-point operations: a backward pass costs about twice its forward pass. */
export function trainingWork(plan: NetworkPlan, epochs: number, samples: number): number {
  return 3 * forwardWork(plan) * samples * epochs;
}

/**
 * Activations (twice: values and gradients) of the widest batch, weights with gradients and two slots.
 *
 * @param together the students train side by side
 */
export function memoryEstimate({ teachers, students }: Layout, together: boolean): number {
  const engineBytes = 450e6;
  const of = (plan: NetworkPlan, { batchSize }: Training) =>
    4 * (2 * plan.activations * batchSize + 4 * plan.parameterCount);
  const ofStudents = students.map(({ plan, student }) => of(plan, student.training));
  const networks = [
    ...teachers.map(({ plan, teacher }) => of(plan, teacher.training)),
    ...(together ? [ofStudents.reduce((sum, bytes) => sum + bytes, 0)] : ofStudents),
  ];
  return Math.round(engineBytes + Math.max(...networks));
}

/** Bytes of all that the teachers' outputs stages will store, what is there already counted in. */
export function outputsEstimate(layout: Layout, train: number): number {
  const files = new Map<string, number>();
  for (const laid of layout.students) {
    const { training, teachers } = laid.student;
    for (const name of teachers) {
      for (const tap of tapsFrom(layout, laid, name)) {
        const shape = networkOf(layout, name).plan.taps[tap];
        const bytes = viewsOf(training) * train * sizeOf(shape) * (rowType(shape) === 'F16' ? 2 : 4);
        const key = JSON.stringify([name, training.augmentation, tap]);
        files.set(key, Math.max(files.get(key) ?? 0, bytes));
      }
    }
  }
  return [...files.values()].reduce((sum, bytes) => sum + bytes, 0);
}
