import { type NetworkPlan, sizeOf } from '@distillery/engine';
import type { Training } from '@distillery/spec';
import { type Layout, learnersOf, networkOf, type PlannedStudent, teachersInLoop } from './layout.ts';
import { outputSets, storedShape } from './output-sets.ts';
import { evaluationBatch } from '../evaluate.ts';
import { rowType } from '../outputs.ts';

/**
 * The cost of moving one activation through memory, in floating-point operations. The value fits both networks of large
 * convolutions and small ones that are bound by memory.
 */
const activationCost = 250;

/** The work of a forward pass of one sample, in floating-point operations. */
export function forwardWork({ flops, activations }: NetworkPlan): number {
  return flops + activationCost * activations;
}

/** The work of a training, in floating-point operations: a backward pass costs about twice its forward pass. */
export function trainingWork(plan: NetworkPlan, epochs: number, samples: number): number {
  return 3 * forwardWork(plan) * samples * epochs;
}

/**
 * The work of the teachers that run in a student's training loop, in floating-point operations; 0 where their outputs are
 * stored.
 *
 * @param read the taps that are read. Default: those that the student's method reads
 */
export function teachingWork(
  layout: Layout,
  student: PlannedStudent,
  epochs: number,
  samples: number,
  read?: readonly string[],
): number {
  const teachers = teachersInLoop(layout, student, read);
  return teachers.reduce((sum, { plan }) => sum + forwardWork(plan), 0) * samples * epochs;
}

/**
 * The memory of a job's largest trainer in bytes: the engine, the activations of a batch with their gradients, and the
 * weights with their gradients and two optimizer slots; for teachers that run in the loop, the weights and the activations of a
 * forward pass.
 *
 * @param together whether the students train together in one trainer
 */
export function memoryEstimate(layout: Layout, together: boolean): number {
  const { teachers, students } = layout;
  const engineBytes = 450e6;
  const of = (plan: NetworkPlan, { batchSize }: Training) =>
    4 * (2 * plan.activations * batchSize + 4 * plan.parameterCount);
  const ofTeachers = (planned: PlannedStudent) =>
    teachersInLoop(layout, planned).reduce((sum, { plan }) => {
      const batch = Math.min(planned.student.training.batchSize, evaluationBatch(plan));
      return sum + 4 * (plan.activations * batch + plan.parameterCount);
    }, 0);
  const ofStudents = students.map(
    (planned) => of(planned.plan, planned.student.training) + ofTeachers(planned),
  );
  const networks = [
    ...teachers.flatMap(({ plan, teacher }) => (teacher.training ? [of(plan, teacher.training)] : [])),
    ...(together ? [ofStudents.reduce((sum, bytes) => sum + bytes, 0)] : ofStudents),
  ];
  return Math.round(engineBytes + Math.max(...networks));
}

/** What the stored outputs of teachers take. */
export interface OutputsCosts {
  bytes: number;
  /** The work of computing them, in floating-point operations. */
  work: number;
}

/**
 * The cost of all outputs that the job's outputs stages store, including those that earlier jobs stored. The outputs of
 * a student that teaches others are stored for each seed.
 *
 * @param train the number of training images; where classes differ in size, rounding may hold out one image of a class
 *   more or fewer than this number assumes
 * @param seeds the number of seeds of the job
 * @param among the students that read them. Default: all
 */
export function outputsEstimate(
  layout: Layout,
  train: number,
  seeds: number,
  among?: ReadonlySet<PlannedStudent>,
): OutputsCosts {
  const names = [
    ...layout.teachers.map(({ teacher }) => ({ name: teacher.name, runs: 1 })),
    ...layout.students.map(({ student }) => ({ name: student.name, runs: seeds })),
  ];
  const total = { bytes: 0, work: 0 };
  for (const { name, runs } of names) {
    const learners = learnersOf(layout, name).filter((learner) => among?.has(learner) ?? true);
    if (learners.length === 0) continue;
    const { bytes, work } = costsOfImage(layout, name, learners);
    total.bytes += runs * train * bytes;
    total.work += runs * train * work;
  }
  return total;
}

/** The cost of one image in a teacher's stored outputs, over all augmentations, views and taps. */
function costsOfImage(layout: Layout, name: string, learners: readonly PlannedStudent[]): OutputsCosts {
  const network = networkOf(layout, name);
  const ofTap = (tap: string) => {
    const shape = storedShape(network, tap);
    return sizeOf(shape) * (rowType(shape) === 'F16' ? 2 : 4);
  };
  const sets = outputSets(layout, name, learners);
  return {
    bytes: sets.reduce(
      (total, { views, taps }) => total + views * taps.reduce((sum, tap) => sum + ofTap(tap), 0),
      0,
    ),
    work: forwardWork(network.plan) * sets.reduce((total, { views }) => total + views, 0),
  };
}
