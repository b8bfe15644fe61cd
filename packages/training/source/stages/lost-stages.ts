import { type JobPlan, LostArtifacts } from '@distillery/spec';
import { isLost, type Store } from '@distillery/store';
import { isResultIntact } from './index.ts';

interface StoredJob {
  plan: JobPlan;
  /** The results of the stages that have succeeded, by id. */
  results: Readonly<Record<string, unknown>>;
}

/**
 * The stages of a job that have succeeded and whose artifacts are missing or damaged now. Reads every byte of the
 * artifacts that this process has not verified before.
 *
 * @param before only the stages that this one needs, directly or through others; absent: all stages
 * @throws DistilleryError `store_unavailable` when the store cannot be read; `unsupported_job` for a result that this version
 *   does not know
 */
export async function lostStages(
  store: Store,
  { plan, results }: StoredJob,
  before?: string,
): Promise<string[]> {
  const wanted = before === undefined ? undefined : needsOf(plan, before);
  const lost: string[] = [];
  for (const stage of plan.stages) {
    const result = results[stage.id];
    if (result === undefined || wanted?.has(stage.id) === false) continue;
    if (!(await isResultIntact(store, stage, result))) lost.push(stage.id);
  }
  return lost;
}

/**
 * Returns why a stage failed: where it could not read an artifact of an earlier stage, `LostArtifacts` with the stages that
 * have lost theirs, which running them again repairs; none, when another job has repaired them meanwhile. Any other error is
 * returned as it is.
 */
export async function withLostStages(
  store: Store,
  job: StoredJob,
  stage: string,
  error: unknown,
): Promise<unknown> {
  if (!isLost(error)) return error;
  // Such as a stored teacher: it was given, and no stage can make it again.
  if (needsOf(job.plan, stage).size === 0) return error;
  const { message } = error;
  const lost = await lostStages(store, job, stage);
  const words =
    lost.length === 0
      ? `${message}; it has been repaired meanwhile`
      : `${message}; what ${lost.join(', ')} had stored is missing or damaged, and is computed again`;
  return new LostArtifacts(lost, words, { cause: error });
}

function needsOf({ stages }: JobPlan, stage: string): Set<string> {
  const found = new Set<string>();
  const add = (id: string): void => {
    for (const need of stages.find((one) => one.id === id)?.needs ?? []) {
      if (found.has(need)) continue;
      found.add(need);
      add(need);
    }
  };
  add(stage);
  return found;
}
