import type { StagePlan } from '@distillery/spec';

/**
 * Environment variables for a process that trains; to be set before it starts.
 *
 * glibc's allocator gives large blocks back to the system at once and asks for them anew at the next operation, so that
 * the kernel clears the same pages over and over: up to half of a step on some machines. These settings let the process
 * keep what it has had. Other C libraries ignore them.
 */
export const trainerEnvironment: Readonly<Record<string, string>> = {
  MALLOC_MMAP_THRESHOLD_: String(2 ** 33),
  MALLOC_TRIM_THRESHOLD_: String(2 ** 34),
  MALLOC_TOP_PAD_: String(2 ** 26),
};

/**
 * The threads that a stage's trainer computes with. A student shares the processor with the others of its job that can
 * run beside it: two small networks on one thread each take little more time than one on two. What the whole job waits
 * for, the teacher and its outputs, has all of it.
 *
 * @param trainers that the worker runs at once
 * @param processors of this machine
 */
export function trainerThreads(
  stage: StagePlan,
  plan: readonly StagePlan[],
  trainers: number,
  processors: number,
): number {
  if (stage.kind !== 'student') return processors;
  const students = plan.filter(({ kind }) => kind === 'student').length;
  return Math.max(1, Math.floor(processors / Math.min(trainers, students)));
}
