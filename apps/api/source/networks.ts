import type { DistilleryQueue } from '@distillery/queue';
import type { Checkpoint, NetworkResult, StagePlan } from '@distillery/spec';

export const checkpointNames = ['best', 'last'] as const;
type CheckpointName = (typeof checkpointNames)[number];

/** What the API reads of the result of a stage that trained a network. */
type Scored = { [name in CheckpointName]: Pick<NetworkResult[name], 'epoch' | 'weights'> };

/** The stages of a job that train a network, in the order of the plan. */
export async function trainingStages(queue: DistilleryQueue, id: string): Promise<StagePlan[]> {
  const plan = await queue.jobs.plan(id);
  return plan.filter(({ kind }) => kind === 'teacher' || kind === 'student');
}

/** The two checkpoints that a training stage has left behind; none until it has succeeded. */
export function checkpointsOf(stage: string, result: unknown): Checkpoint[] {
  if (result === undefined) return [];
  const scored = (result as { result: Scored }).result;
  return checkpointNames.map((checkpoint) => {
    const { epoch, weights } = scored[checkpoint];
    return { stage, checkpoint, epoch, format: 'safetensors', digest: weights.digest, size: weights.size };
  });
}
