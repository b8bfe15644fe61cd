/** The states of jobs and stages. This file imports nothing, so that programs in a browser can use it without Zod. */

export const jobStates = [
  'queued',
  'running',
  /** Asked to pause; its trainers commit their checkpoints. */
  'pausing',
  'paused',
  /** Asked to end; its trainers commit their checkpoints. */
  'cancelling',
  'succeeded',
  'failed',
  'cancelled',
] as const;
export type JobState = (typeof jobStates)[number];

export const stageStates = ['waiting', 'queued', 'running', 'succeeded', 'failed', 'cancelled'] as const;
export type StageState = (typeof stageStates)[number];

/** Whether a job or a stage has ended. */
export function isTerminal(state: JobState | StageState): boolean {
  return state === 'succeeded' || state === 'failed' || state === 'cancelled';
}
