import type { StagePlan } from '@distillery/spec';

/**
 * Environment variables that a process that trains must start with.
 *
 * glibc's allocator returns large blocks to the system at once and asks for them again at the next operation, so that
 * the kernel clears the same pages over and over: up to half of a step on some machines. With these settings the
 * process keeps its memory. Other C libraries ignore them.
 */
export const trainerEnvironment: Readonly<Record<string, string>> = {
  MALLOC_MMAP_THRESHOLD_: String(2 ** 33),
  MALLOC_TRIM_THRESHOLD_: String(2 ** 34),
  MALLOC_TOP_PAD_: String(2 ** 26),
};

/**
 * The threads that a stage's trainer computes with. A student shares the processor with those students of its job that
 * can run beside it: two small networks on one thread each take little longer than one on two. The teacher and its
 * outputs, which the whole job waits for, use every thread.
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
