import { DistilleryError, type JobPlan } from '@distillery/spec';
import type { Store } from '@distillery/store';
import { type TestPredictions, testPredictions } from '@distillery/training';

/** The plan of a job, and the results of its stages that have succeeded. */
export interface JobResults {
  plan: JobPlan;
  results: Readonly<Record<string, unknown>>;
}

/** @throws DistilleryError `not_ready` before the first student is trained; `unsupported_job` */
export function predictedSoFar({ plan, results }: JobResults): TestPredictions {
  const found = testPredictions(plan, results);
  if (found !== undefined) return found;
  throw new DistilleryError('not_ready', 'no student of the job is trained yet');
}

/** Returns the labels of the test set. @throws DistilleryError those of the store */
export async function labelsOf(store: Store, { data }: TestPredictions): Promise<Int32Array> {
  return new Int32Array((await store.read(data.testLabels.digest)).slice().buffer);
}
