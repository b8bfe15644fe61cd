import type { StagePlan } from '@distillery/spec';

/**
 * Environment variables to start a training process with.
 *
 * The allocator of glibc returns large blocks to the system at once and requests them again for the next operation, so the
 * kernel clears the same pages again and again: up to half of the time of a step on some machines. With these settings the
 * process keeps its memory. Other C libraries ignore them.
 *
 * The thread that waits for one of oneDNN's operations computes a part of it, so that fewer threads must be woken.
 */
export const trainerEnvironment: Readonly<Record<string, string>> = {
  MALLOC_MMAP_THRESHOLD_: String(2 ** 33),
  MALLOC_TRIM_THRESHOLD_: String(2 ** 34),
  MALLOC_TOP_PAD_: String(2 ** 26),
  TF_ONEDNN_THREADPOOL_USE_CALLER_THREAD: '1',
};

/**
 * Returns the number of threads for the trainer of a stage. Students of a job that can run at the same time share the
 * processors: two small networks on one thread each take little longer than one on two. Other stages, which the whole job
 * waits for, use every processor.
 *
 * @param trainers the number of stages that the worker runs at once
 * @param processors the number of processors of this machine
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
