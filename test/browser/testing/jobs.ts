import type { DistilleryQueue } from '@distillery/queue';
import type { JobSpecInput } from '@distillery/spec';

/** A job of a few seconds: two students on generated images, one epoch each. */
export const smallSpec = (over: Partial<JobSpecInput> = {}): JobSpecInput => ({
  name: 'small shapes',
  dataset: { source: 'shapes', trainCount: 100, testCount: 100 },
  teacher: { architecture: { type: 'lightnn' } },
  students: [
    {
      name: 'soft',
      architecture: { type: 'lightnn' },
      method: [{ type: 'soft_target', temperature: 2 }, { type: 'cross_entropy' }],
    },
  ],
  seeds: [1],
  training: { epochs: 1 },
  validation: 0,
  ...over,
});

/** Takes a stage of a job as a worker would. */
export async function begin(queue: DistilleryQueue, id: string, stage: string) {
  const begun = await queue.attempts.begin(id, stage, 'node-a/1');
  if ('skip' in begun) throw new Error(begun.skip);
  return begun;
}
