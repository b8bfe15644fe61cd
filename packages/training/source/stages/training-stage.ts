import type { PlanningJob } from '../planning/stages.ts';
import { networkOf } from '../planning/layout.ts';
import type { NetworkReference } from './trained-network.ts';

/** The id of the stage that trains a teacher. */
export function teacherStage(name: string): string {
  return name === 'teacher' ? 'teacher' : `teacher.${name}`;
}

/** The id of the stage that trains a student with one seed. */
export function studentStage(name: string, seed: number): string {
  return `student.${name}.${seed}`;
}

/**
 * The training of a network that teaches: of a teacher, or of a student with one seed; undefined for a teacher that the job does
 * not train.
 */
export function trainingOf(
  { layout }: PlanningJob,
  network: string,
  seed: number,
): NetworkReference | undefined {
  const planned = networkOf(layout, network);
  if ('student' in planned) return { stage: studentStage(network, seed), network };
  return planned.teacher.training && { stage: teacherStage(network), network };
}
