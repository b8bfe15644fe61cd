import { DistilleryError, type JobPlan, type StagePlan } from '@distillery/spec';
import type { z } from 'zod';
import { supportedSpec } from '../planning/supported.ts';
import { inputOf, kindOf, networksOf, resultOf, stageKinds } from './index.ts';
import { withLostStages } from './lost-stages.ts';
import type { StageContext, WithResult } from './stage.ts';

/** The input of a trainer that runs a stage. */
export interface StageTask extends Omit<StageContext, 'job' | 'stage' | 'input' | 'result' | 'network'> {
  /** The job; its spec is as stored in the job's record. */
  job: { id: string; name: string | null; spec: unknown };
  plan: JobPlan;
  /** The stage's id. */
  stage: string;
  /** The results of earlier stages, by id. */
  results: Readonly<Record<string, unknown>>;
}

/**
 * Runs one stage of a job.
 *
 * @returns the result as plain JSON, as in the result schema of the stage's kind
 * @throws StopTraining when the stage must end early; LostArtifacts when earlier stages must run again before it;
 *   DistilleryError with the reason when it fails: `unsupported_job` when another version of Distillery planned a stage that
 *   this one does not know
 */
export async function runStage({ job, plan, stage: id, results, ...task }: StageTask): Promise<unknown> {
  const spec = supportedSpec(job.spec, plan, stageKinds.list);
  const stage = stageOf(id);
  const kind = kindOf(stage);
  const context: StageContext<Record<string, unknown>> = {
    ...task,
    job: { ...job, spec },
    stage,
    input: inputOf(kind, stage),
    result<Result extends z.ZodType>(wanted: WithResult<Result>, other: string): z.output<Result> {
      const found = stageOf(other);
      if (found.kind !== wanted.type) {
        throw new DistilleryError(
          'internal',
          `${other} is a stage of the kind ${found.kind}, expected ${wanted.type}`,
        );
      }
      return resultOf(wanted, found, earlier(other));
    },
    network({ stage: other, network }) {
      const networks = networksOf(stageOf(other), earlier(other));
      const { trained } = networks.find(({ name }) => name === network) ?? {};
      if (trained === undefined) throw new DistilleryError('internal', `${other} has not trained ${network}`);
      return trained;
    },
  };
  try {
    return kind.result.parse(await kind.run(context));
  } catch (error) {
    throw await withLostStages(task.store, { plan, results }, id, error);
  }

  function stageOf(wanted: string): StagePlan {
    const found = plan.stages.find((one) => one.id === wanted);
    if (found === undefined) throw new DistilleryError('internal', `the job has no stage ${wanted}`);
    return found;
  }

  function earlier(other: string): unknown {
    if (results[other] === undefined) throw new DistilleryError('internal', `${other} has no result yet`);
    return results[other];
  }
}
