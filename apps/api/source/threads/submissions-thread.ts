/** The entry of the thread that checks, plans and creates jobs. */
import { join } from 'node:path';
import {
  DistilleryError,
  digestOf,
  type JobSpec,
  networkInputSchema,
  type NewSweep,
  newDatasetSchema,
  newSweepSchema,
  refusedInput,
  shownUrl,
} from '@distillery/spec';
import type { Owner } from '@distillery/queue';
import { localFile } from '@distillery/store';
import {
  fetchOf,
  jobSpec,
  keepDataset,
  keepNetwork,
  networkFile,
  type PlanContext,
  type Planned,
  planJob,
  resolveDatasets,
  resolveNetworks,
  resolveTeacherFiles,
  uploadedNetwork,
} from '@distillery/training';
import { parse } from 'secure-json-parse';
import { type Caller, checkPriority, ownerSeenBy, sees } from '../caller.ts';
import { begin } from '../fetches/begin.ts';
import { fetchAddresses } from '../fetches/rules.ts';
import { planSweep } from '../sweeps/plan.ts';
import { viewOf as sweepViewOf } from '../sweeps/views.ts';
import { finish } from '../uploads/finish.ts';
import { checkQuotas } from '../projects/quotas.ts';
import { find } from '../uploads/record.ts';
import { checkNamedWebhooks } from '../webhooks/check.ts';
import { answerRequests } from './answering.ts';
import { liveWorkers } from './live-workers.ts';
import { openServices, reconnected, type ServiceData, type ThreadServices } from './open-services.ts';

/** What the thread is started with. */
export interface SubmissionData extends ServiceData {
  /** The folder with the decoded copies of data sets. */
  cacheDir: string;
  /** The folders that job specs may read. */
  roots: readonly string[];
  /** The most bytes of decoded data on the disk. */
  diskBytes: number;
  /** The setting FETCH_NETWORKS. */
  fetchNetworks: readonly string[];
}

type Services = ThreadServices &
  Pick<PlanContext, 'cacheDir' | 'roots' | 'diskBytes' | 'stored'> &
  Pick<SubmissionData, 'fetchNetworks'>;

/** A file that was fetched for a data set. */
interface Fetched {
  id: string;
  file: { digest: string; size: number; name: string };
}

interface Posted {
  /** The body as it was sent; undefined without one. */
  text: string | undefined;
  /** Who sends it; null while keys are off. */
  caller: Caller | null;
}

interface Submission extends Posted {
  /** The id of the request, which the job keeps; for a trial that of its sweep. */
  request: string;
  /** The `Idempotency-Key` of the request. */
  key?: string | undefined;
  /** Whether Redis has just answered the thread that asks. */
  reachable: boolean;
}

interface Submitted {
  id: string;
  /** Whether an earlier request with the same key has created the job. */
  replayed: boolean;
  /** The view of the job, JSON. */
  view: string;
  /** Why the stages were not offered to the workers, who then find them themselves; undefined when they were. */
  offerFailure?: string;
}

const works = {
  /**
   * Creates a job, or finds the one that an earlier request with this key has created.
   *
   * @throws DistilleryError `malformed_body`, `invalid_spec`, `data_error`, `data_unavailable`, with fields;
   *   `idempotency_conflict`, `quota_exceeded`, `redis_unavailable`
   */
  async submit(
    services: Services,
    { text, caller, key, request, reachable }: Submission,
  ): Promise<Submitted> {
    const { queue } = services;
    if (reachable) await reconnected(services);
    const posted = parsed(text);
    const owner = await ownerFor(services, caller);
    const idempotency = key === undefined ? undefined : { key, digest: digestOfSpec(posted) };
    const known = idempotency && (await queue.jobs.replay(idempotency, owner?.name));
    if (known !== undefined) return submitted(known.view, true);
    const { spec, resolved: plan } = await planned(services, posted, caller);
    const { name = null, labels, priority, webhooks } = spec;
    const job = { name, labels, owner, priority, posted, spec, plan, webhooks, request };
    const { view, replayed } = await queue.jobs.create(job, idempotency);
    if (replayed) return submitted(view, true);
    // The whole job is stored now, so it is accepted whatever becomes of this offer: every worker offers what has no ticket
    // when it starts and every 30 s, and a refusal would make the client submit the job twice. Had creating it failed, nothing
    // would be written; where only the answer is lost, the same Idempotency-Key finds the job.
    const offerFailure = await queue.stages.offer().then(
      () => undefined,
      (error: Error) => error.message,
    );
    return { ...submitted(view, false), ...(offerFailure === undefined ? {} : { offerFailure }) };
  },

  /**
   * Reads a network from a file or an upload, checks it and keeps it. Returns it as JSON.
   *
   * @throws DistilleryError `malformed_body`, `invalid_network`, `upload_not_found`, `state_conflict` while bytes of the upload are
   *   missing; those of the store
   */
  async keepNetwork({ queue, store, roots }: Services, { text, caller }: Posted): Promise<string> {
    const posted = parsed(text);
    const { success, data, error } = networkInputSchema.safeParse(posted);
    if (!success) throw refusedInput('invalid_network', error, posted);
    const { path, upload, ...given } = data;
    const bytes =
      path === undefined
        ? await uploadedNetwork(store, await uploadedFile({ queue, store }, upload ?? '', caller))
        : await networkFile(path, roots);
    return JSON.stringify(await keepNetwork(store, given, { bytes, owner: caller?.name ?? null }));
  },

  /**
   * Makes a data set of an upload, whose beginning is read to recognise it, or begins to fetch one from a URL. Returns its id.
   *
   * @throws DistilleryError `malformed_body`, `invalid_body`, `upload_not_found`, `state_conflict` while bytes are missing,
   *   `storage_quota`, `data_error` where no source can be told; those of the store
   */
  async keepDataset(services: Services, { text, caller }: Posted): Promise<string> {
    const { store, fetchNetworks } = services;
    const posted = parsed(text);
    const { success, data, error } = newDatasetSchema.safeParse(posted);
    if (!success) throw refusedInput('invalid_body', error, withoutSecrets(posted));
    const { url, upload = '' } = data;
    if (url !== undefined) return await begin(store, { ...data, url }, caller, fetchAddresses(fetchNetworks));
    const file = await uploadedFile(services, upload, caller);
    return await kept(services, data, file, caller?.name ?? null);
  },

  /**
   * Makes a data set of a file that was fetched, whose beginning is read to recognise it.
   *
   * @throws DistilleryError `invalid_body`, `data_error` where no source can be told, `dataset_not_found` where it was deleted
   *   meanwhile; those of the store
   */
  async keepFetched(services: Services, { id, file }: Fetched): Promise<string> {
    const fetch = await fetchOf(services.store, id);
    if (fetch === undefined) throw new DistilleryError('dataset_not_found', `the data set ${id} is deleted`);
    const url = shownUrl(fetch.url);
    return await kept(services, fetch, file, fetch.owner, { id, ...(url !== undefined && { url }) });
  },

  /** Checks a spec and returns the plan that clients see, as JSON. Throws as `submit` does. */
  async validate(services: Services, { text, caller }: Posted): Promise<string> {
    return JSON.stringify((await planned(services, parsed(text), caller)).plan);
  },

  /**
   * Creates a sweep, or finds the one that an earlier request with this key has created. Its jobs are submitted by the process that drives it.
   *
   * @throws DistilleryError `malformed_body`, `invalid_sweep`, `data_error`, `data_unavailable`, with fields;
   *   `idempotency_conflict`, `quota_exceeded`, `redis_unavailable`
   */
  async submitSweep(
    services: Services,
    { text, caller, key, reachable }: Omit<Submission, 'request'>,
  ): Promise<Omit<Submitted, 'offerFailure'>> {
    const { queue } = services;
    if (reachable) await reconnected(services);
    const posted = parsed(text);
    const given = validatedSweep(posted);
    const owner = await ownerFor(services, caller);
    const idempotency = key === undefined ? undefined : { key, digest: digestOf(posted) };
    const known = idempotency && (await queue.sweeps.replay(idempotency, owner?.name));
    if (known !== undefined) return submitted(sweepViewOf(known), true);
    const { student, rungs, estimate, trials } = await sweepPlanned(services, given, caller);
    const { sweep, replayed } = await queue.sweeps.create(
      {
        id: queue.sweeps.newId(),
        owner: caller?.name ?? null,
        caller,
        given,
        student,
        rungs,
        estimate,
        trials: trials.map((values) => ({ values, state: 'waiting', rungs: [], reason: null })),
      },
      owner,
      idempotency,
    );
    return submitted(sweepViewOf(sweep), replayed);
  },

  /** Checks a sweep and returns its plan, as JSON. Throws as `submitSweep` does. */
  async validateSweep(services: Services, { text, caller }: Posted): Promise<string> {
    return JSON.stringify(await sweepPlanned(services, validatedSweep(parsed(text)), caller));
  },
};
export type SubmissionWorks = typeof works;

answerRequests(
  works,
  async ({ cacheDir, roots, diskBytes, fetchNetworks, ...data }: SubmissionData, warn) => {
    const services = await openServices(data, warn);
    const files = { folder: join(cacheDir, 'files'), mostBytes: diskBytes };
    return {
      cacheDir,
      roots,
      diskBytes,
      fetchNetworks,
      stored: (file) => localFile(services.store, file, files),
      ...services,
    };
  },
);

/**
 * Returns who owns what a caller submits, with its limits, after checking the quotas of its project.
 *
 * @throws DistilleryError `quota_exceeded`
 */
async function ownerFor({ queue, store }: ThreadServices, caller: Caller | null): Promise<Owner | undefined> {
  if (caller === null) return undefined;
  const quota = await checkQuotas(queue, store, caller.project);
  return { name: caller.name, jobs: caller.jobs, projectJobs: quota?.jobs ?? undefined };
}

function submitted(view: { id: string }, replayed: boolean): Submitted {
  return { id: view.id, replayed, view: JSON.stringify(view) };
}

/** Makes a data set of a file in the store, and returns its id. */
async function kept(
  { store, cacheDir }: Services,
  described: Parameters<typeof keepDataset>[1],
  file: Fetched['file'],
  owner: string | null,
  fetched?: Parameters<typeof keepDataset>[3],
): Promise<string> {
  const path = await localFile(store, file, { folder: join(cacheDir, 'files'), verify: false });
  await store.renew(file.digest);
  return (await keepDataset(store, described, { ...file, path, owner }, fetched)).id;
}

/** What was posted, as messages may have it. */
function withoutSecrets(posted: unknown): unknown {
  const { url } = (posted ?? {}) as { url?: unknown };
  return typeof url === 'string' ? { ...(posted as object), url: shownUrl(url) } : posted;
}

/** @throws DistilleryError `upload_not_found`; `state_conflict` while bytes are missing */
async function uploadedFile(
  { queue, store }: ThreadServices,
  id: string,
  caller: Caller | null,
): Promise<{ digest: string; size: number; name: string }> {
  const upload = await find(store, id, ownerSeenBy(caller));
  const whole = await finish(queue, store, upload);
  if (whole !== undefined) return { digest: whole.digest, size: whole.size, name: upload.name };
  const message = `the upload ${upload.id} lacks bytes: send the rest of ${upload.name} first`;
  throw new DistilleryError('state_conflict', message);
}

/** @throws DistilleryError `malformed_body` */
function parsed(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return parse(text, { protoAction: 'error', constructorAction: 'error' });
  } catch (cause) {
    const message = `the body is not valid JSON: ${(cause as Error).message}`;
    throw new DistilleryError('malformed_body', message, { cause });
  }
}

/** @throws DistilleryError `invalid_spec` */
function validated(posted: unknown): JobSpec {
  const { success, data, error } = jobSpec.safeParse(posted);
  if (!success) throw refusedInput('invalid_spec', error, posted);
  return data;
}

/**
 * The job has its defaults, if it is one already, so that a path may lead into them, such as the rate of the default optimizer.
 *
 * @throws DistilleryError `invalid_sweep`
 */
function validatedSweep(posted: unknown): NewSweep {
  const { success, data, error } = newSweepSchema.safeParse(posted);
  if (!success) throw refusedInput('invalid_sweep', error, posted);
  const job = jobSpec.safeParse(data.job);
  return job.success ? { ...data, job: job.data } : data;
}

function sweepPlanned(services: Services, given: NewSweep, caller: Caller | null) {
  return planSweep(given, (spec) => planned(services, spec, caller));
}

/** @throws DistilleryError `invalid_spec` for what has no digest: no value, or one that is nested too deeply */
function digestOfSpec(posted: unknown): string {
  try {
    return digestOf(posted);
  } catch (error) {
    validated(posted);
    throw error;
  }
}

async function planned(
  { queue, ...context }: Services,
  posted: unknown,
  caller: Caller | null,
): Promise<Planned & { spec: JobSpec }> {
  checkPriority(caller, posted);
  const withFiles = await resolveTeacherFiles(validated(posted), (id) =>
    uploadedFile({ queue, ...context }, id, caller),
  );
  const named = await resolveNetworks(withFiles, context.store, (owner) => sees(caller, owner));
  const spec = await resolveDatasets(named, context.store, ownerSeenBy(caller));
  await checkNamedWebhooks(queue, spec, caller?.name ?? null);
  return { spec, ...(await planJob(spec, { ...context, ...(await liveWorkers(queue)) })) };
}
