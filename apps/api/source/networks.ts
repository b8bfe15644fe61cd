import { safetensors } from '@distillery/formats';
import type { DistilleryQueue } from '@distillery/queue';
import type { Checkpoint, NetworkResult, StagePlan } from '@distillery/spec';

export const checkpointNames = ['best', 'last'] as const;
type CheckpointName = (typeof checkpointNames)[number];

/** What the API reads of the result of a stage that trained networks: of one alone, or of several by name. */
type Scored = { [name in CheckpointName]: Pick<NetworkResult[name], 'epoch' | 'weights'> };
type Result = { result?: Scored; results?: Record<string, Scored> } | undefined;

/** A network that a job trains. */
export interface TrainedNetwork {
  name: string;
  kind: 'teacher' | 'student';
  /** The stage that trains it. */
  stage: string;
  /** A student's. */
  seed: number | undefined;
}

/** The networks that a job trains, in the order of the plan. */
export async function trainedNetworks(queue: DistilleryQueue, id: string): Promise<TrainedNetwork[]> {
  const plan = await queue.jobs.plan(id);
  return plan.flatMap(networksOf);
}

function networksOf({ id: stage, kind, teacher = 'teacher', student, peers = [], seed }: StagePlan) {
  const named = (name: string): TrainedNetwork => ({ name, kind: 'student', stage, seed });
  if (kind === 'teacher') return [{ name: teacher, kind, stage, seed }];
  if (kind === 'student' && student !== undefined) return [named(student)];
  return peers.map(named);
}

/** The two checkpoints that a network has left behind; none until its stage has succeeded. */
export function checkpointsOf({ name, stage, seed }: TrainedNetwork, result: unknown): Checkpoint[] {
  const { result: alone, results } = (result as Result) ?? {};
  const scored = alone ?? results?.[name];
  if (scored === undefined) return [];
  return checkpointNames.map((checkpoint) => {
    const { epoch, weights } = scored[checkpoint];
    return {
      stage,
      network: name,
      seed: seed ?? null,
      checkpoint,
      epoch,
      format: safetensors.type,
      digest: weights.digest,
      size: weights.size,
    };
  });
}
