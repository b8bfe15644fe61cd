import type { Store } from '@distillery/store';
import type { DistilleryQueue } from '@distillery/queue';
import type { JobPlan, JobSpec, jobSpecSchema, Kinds } from '@distillery/spec';
import type { z } from 'zod';
import type { LiveWorkers } from './live-workers.ts';

/** What the API needs from packages/training: the registered kinds, and the planning of jobs. It never trains. */
export interface Planner {
  kinds: Kinds;
  jobSpec: ReturnType<typeof jobSpecSchema>;
  /** The kinds of stages by name, as the OpenAPI page lists them. */
  stageKinds: readonly string[];
  /** The schema of the `plan` that planning returns. */
  planSchema: z.ZodType;
  /**
   * Plans a job.
   *
   * @param workers facts that the running workers report
   * @throws DistilleryError `invalid_spec`, `data_error`, `data_unavailable`, with fields
   */
  plan(spec: JobSpec, workers: LiveWorkers): Promise<{ resolved: JobPlan; plan: unknown }>;
}

/** The services that routes use. */
export interface Services {
  queue: DistilleryQueue;
  store: Store;
  planner: Planner;
}
