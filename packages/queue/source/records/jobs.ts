import { DistilleryError, type JobPlan, type JobState, type JobView, projectOf } from '@distillery/spec';
import { type Client, guarded } from '../redis/connection.ts';
import { idempotencySeconds } from './idempotency.ts';
import { isJobId, newJobId } from './job-id.ts';
import { quotaError } from './projects.ts';
import { type Keys, scriptKeys } from '../redis/keys.ts';
import { listJobs } from './list.ts';
import { asCreated, type Fields, initialFields, planOf, viewOf } from './record.ts';
import { countBeyond, run } from '../redis/script.ts';
import type { Standing } from './standing.ts';
import { createScript } from '../scripts/create.ts';

export interface NewJob {
  name: string | null;
  labels: Record<string, string>;
  /** The API key that submits it; none while keys are off. */
  owner?: Owner | undefined;
  /** -10 to 10, default 0; stages of a job with a higher one are taken first. */
  priority?: number;
  /** The body as it was posted, JSON. */
  posted: unknown;
  /** The spec with its defaults filled in, JSON. */
  spec: unknown;
  plan: JobPlan;
  /** The ids of webhooks that are told of it; default none. */
  webhooks?: readonly string[] | undefined;
  /** The id of the request that posts it, by which logs are found. */
  request?: string | undefined;
}

/** The owner of a job. */
export interface Owner {
  name: string;
  /** The most unfinished jobs that the owner may have. */
  jobs: number;
  /** The most unfinished jobs that all owners of its project may have; default: no limit. */
  projectJobs?: number | undefined;
}

/** The Idempotency-Key of a request that a client may send twice, and the digest of its body. */
export interface Idempotency {
  key: string;
  digest: string;
}

/** The current view of a job; `version` rises with every change of it. */
export interface JobNow {
  view: JobView;
  version: number;
}

/** What of a job can be read at once, whatever its number of stages. */
export interface JobHeader {
  name: string | null;
  owner: string | null;
  labels: Record<string, string>;
  state: JobState;
  /** The ids of its stages, in the order of its plan. */
  stages: string[];
}

/** The records of all jobs: what the API shows of them. */
export function jobRecords(redis: Client, keys: Keys, standing: () => Promise<Standing>) {
  async function fieldsOf(id: string): Promise<Fields> {
    const fields = isJobId(id) ? await redis.hgetall(keys.job(id)) : {};
    if (fields.id === undefined) throw notFound(id);
    return fields;
  }
  /** Some fields, of which `required` is never absent. */
  async function some(id: string, required: string, ...others: string[]): Promise<(string | null)[]> {
    const values = isJobId(id) ? await redis.hmget(keys.job(id), required, ...others) : [null];
    if (values[0] === null) throw notFound(id);
    return values;
  }
  const answerOf = async (id: string): Promise<JobNow> => ({
    view: viewOf(asCreated(await fieldsOf(id)), await standing()),
    version: 1,
  });

  return {
    /**
     * Creates a job, or returns the first answer again for a known idempotency key with the same body.
     * @throws DistilleryError `idempotency_conflict` when the key was used with another body; `quota_exceeded`
     */
    create: guarded(
      async (job: NewJob, idempotency?: Idempotency): Promise<JobNow & { replayed: boolean }> => {
        const id = newJobId();
        const { name, labels, priority, plan, owner, webhooks, request } = job;
        const record = initialFields({
          id,
          name,
          labels,
          owner: owner?.name,
          priority,
          plan,
          webhooks,
          request,
        });
        const [outcome, created, createdAt] = (await run(
          redis,
          createScript,
          [
            ...scriptKeys(keys, id),
            keys.spec(id),
            keys.all,
            keys.idempotency(idempotency?.key ?? '', owner?.name),
            ...indexesOf(keys, labels, owner?.name),
          ],
          [
            id,
            idempotency?.digest ?? '',
            idempotencySeconds,
            JSON.stringify(job.posted),
            JSON.stringify(job.spec),
            owner?.name ?? '',
            owner?.jobs ?? '',
            projectOf(owner?.name ?? null) ?? '',
            owner?.projectJobs ?? '',
            ...Object.entries(record).flat(),
          ],
        ).catch((error: unknown) => {
          throw conflictOf(error) ?? overQuota(error, owner) ?? error;
        })) as [string, string, string];
        if (outcome === 'replayed') return { ...(await answerOf(created)), replayed: true };
        // Not read back: the record of a large job has tens of thousands of fields.
        const view = viewOf({ ...record, createdAt, version: '1' }, await standing());
        return { view, version: 1, replayed: false };
      },
    ),

    /**
     * The first answer to an owner's request with this key, if there was one and its job still exists. It is looked up before a
     * job is planned.
     * @throws DistilleryError `idempotency_conflict` when the key was used with another body
     */
    replay: guarded(async ({ key, digest }: Idempotency, owner?: string): Promise<JobNow | undefined> => {
      const [known, id] = await redis.hmget(keys.idempotency(key, owner), 'digest', 'job');
      if (!known || !id || (await redis.exists(keys.job(id))) === 0) return undefined;
      if (known !== digest) throw conflictOf(new Error('CONFLICT the key was used with another body'));
      return answerOf(id);
    }),

    /** @throws DistilleryError `job_not_found` */
    get: guarded(async (id: string): Promise<JobNow> => {
      const fields = await fieldsOf(id);
      const live = fields.state === 'queued' || fields.state === 'running';
      return { view: viewOf(fields, live ? await standing() : undefined), version: Number(fields.version) };
    }),

    /** Lists jobs, newest first. */
    list: guarded((query: Parameters<typeof listJobs>[2]) => listJobs(redis, keys, query)),

    /** The spec as posted and with its defaults filled in. @throws DistilleryError `job_not_found` */
    spec: guarded(async (id: string): Promise<{ posted: unknown; spec: unknown }> => {
      const { posted, parsed } = isJobId(id) ? await redis.hgetall(keys.spec(id)) : {};
      if (posted === undefined || parsed === undefined) throw notFound(id);
      return { posted: JSON.parse(posted), spec: JSON.parse(parsed) };
    }),

    /** The plan of the job. @throws DistilleryError `job_not_found` */
    plan: guarded(async (id: string): Promise<JobPlan> => {
      const [plan] = await some(id, 'plan');
      return planOf({ plan: plan as string });
    }),

    /** The head of a job, for what needs none of its thousands of fields. @throws DistilleryError `job_not_found` */
    header: guarded(async (id: string): Promise<JobHeader> => {
      const [state, stages, labels, name, owner] = await some(
        id,
        'state',
        'stages',
        'labels',
        'name',
        'owner',
      );
      return {
        name,
        owner,
        labels: JSON.parse(labels ?? '{}') as Record<string, string>,
        state: state as JobState,
        stages: stages?.split(' ') ?? [],
      };
    }),

    /** The result of a stage; undefined until it has succeeded. */
    result: guarded(async (id: string, stage: string): Promise<unknown> => {
      const text = await redis.hget(keys.results(id), stage);
      return text === null ? undefined : JSON.parse(text);
    }),

    /** The results of all stages that have succeeded, by stage. */
    results: guarded(async (id: string): Promise<Record<string, unknown>> => {
      const texts = await redis.hgetall(keys.results(id));
      return Object.fromEntries(Object.entries(texts).map(([stage, text]) => [stage, JSON.parse(text)]));
    }),
  };
}
export type Jobs = ReturnType<typeof jobRecords>;

function notFound(id: string): DistilleryError {
  return new DistilleryError('job_not_found', `there is no job ${id}`);
}

/** The indexes of a job's labels, owner and project. */
export function indexesOf(keys: Keys, labels: Record<string, string>, owner: string | null = null): string[] {
  const indexes = Object.entries(labels).map(([name, value]) => keys.withLabel(name, value));
  if (owner === null) return indexes;
  const project = projectOf(owner);
  return [...indexes, keys.ownedBy(owner), ...(project === null ? [] : [keys.ofProject(project)])];
}

/** The error of a script for an owner with too many unfinished jobs; undefined for any other error. */
export function overQuota(error: unknown, owner: Owner | undefined): DistilleryError | undefined {
  if (owner === undefined) return undefined;
  const ofProject = countBeyond('PROJECT', error);
  if (ofProject !== undefined)
    return quotaError(projectOf(owner.name) ?? '', 'jobs', ofProject, owner.projectJobs ?? 0, error);
  const count = countBeyond('QUOTA', error);
  if (count === undefined) return undefined;
  const message = `${owner.name} has ${count} unfinished jobs and may have ${owner.jobs}: wait until one has ended`;
  return new DistilleryError('quota_exceeded', message, { cause: error });
}

/** The error of a script for an idempotency key that was used with another body; undefined for any other error. */
export function conflictOf(error: unknown): DistilleryError | undefined {
  if (!(error instanceof Error) || !error.message.startsWith('CONFLICT')) return undefined;
  const message = 'the Idempotency-Key was used with another body';
  return new DistilleryError('idempotency_conflict', message, { cause: error });
}
