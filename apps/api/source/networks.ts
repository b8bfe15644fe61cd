import { safetensors } from '@distillery/formats';
import type { DistilleryQueue } from '@distillery/queue';
import type { Checkpoint } from '@distillery/spec';
import { networksOf, type StageNetwork } from '@distillery/training';

export const checkpointNames = ['best', 'last'] as const;

/** A network of a job, with the stage that trains it. */
export type JobNetwork = StageNetwork & { stage: string };

/**
 * Returns the networks of a job in the order of its plan, each with its result if its stage has succeeded.
 *
 * @throws DistilleryError `job_not_found`; `unsupported_job` when another version of Distillery planned the job
 */
export async function jobNetworks(queue: DistilleryQueue, id: string): Promise<JobNetwork[]> {
  const [{ stages }, results] = await Promise.all([queue.jobs.plan(id), queue.jobs.results(id)]);
  return stages.flatMap((stage) =>
    networksOf(stage, results[stage.id]).map((network) => ({ ...network, stage: stage.id })),
  );
}

/** Whether a network has no weights of its own here, because it is a teacher of which only outputs are known. */
export function isBlackBox({ trained }: JobNetwork): boolean {
  return trained?.result.parameters === 0;
}

/** Returns the best and the last checkpoint of a network; none until its stage has succeeded, and none without weights. */
export function checkpointsOf(network: JobNetwork): Checkpoint[] {
  const { name, stage, seed, trained } = network;
  if (trained === undefined || isBlackBox(network)) return [];
  return checkpointNames.map((checkpoint) => {
    const { epoch, weights } = trained.result[checkpoint];
    return {
      stage,
      network: name,
      seed,
      checkpoint,
      epoch,
      format: safetensors.type,
      digest: weights.digest,
      size: weights.size,
    };
  });
}
