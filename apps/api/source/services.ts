import type { Store } from '@distillery/store';
import type { DistilleryQueue } from '@distillery/queue';
import type { JobPlan, JobSpec, jobSpecSchema, Kinds } from '@distillery/spec';
import type { z } from 'zod';
import type { LiveWorkers } from './live-workers.ts';

/** What the API must know of training: which kinds there are, and how a job would be done. It trains nothing. */
export interface Planner {
  kinds: Kinds;
  jobSpec: ReturnType<typeof jobSpecSchema>;
  /** The kinds of stages by name, as the OpenAPI page lists them. */
  stageKinds: readonly string[];
  /** Of `Planned.plan`. */
  planSchema: z.ZodType;
  /**
   * @param workers what those that live tell of themselves
   * @throws DistilleryError `invalid_spec`, `data_error`, `data_unavailable`, with fields
   */
  plan(spec: JobSpec, workers: LiveWorkers): Promise<{ resolved: JobPlan; plan: unknown }>;
}

/** What routes are given. */
export interface Services {
  queue: DistilleryQueue;
  store: Store;
  planner: Planner;
}
