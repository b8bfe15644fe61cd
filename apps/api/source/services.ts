import type { Store } from '@distillery/store';
import type { DistilleryQueue } from '@distillery/queue';
import type { jobSpecSchema, Kinds } from '@distillery/spec';
import type { z } from 'zod';
import type { Fetcher } from './fetches/fetcher.ts';
import type { Exposition } from './metrics/exposition.ts';
import type { Profiler } from './profiles/profiler.ts';
import type { Records } from './threads/records.ts';
import type { Submissions } from './threads/submissions.ts';

/** The registered kinds, as the routes and the OpenAPI page describe them. */
export interface Catalogue {
  kinds: Kinds;
  jobSpec: ReturnType<typeof jobSpecSchema>;
  /** The kinds of stages by name, as the OpenAPI page lists them. */
  stageKinds: readonly string[];
  /** The schema of the plan that clients see. */
  planSchema: z.ZodType;
}

/** The services that routes use. */
export interface Services {
  queue: DistilleryQueue;
  store: Store;
  catalogue: Catalogue;
  submissions: Submissions;
  records: Records;
  profiler: Pick<Profiler, 'run'>;
  fetcher: Pick<Fetcher, 'run'>;
  exposition: Exposition;
}
