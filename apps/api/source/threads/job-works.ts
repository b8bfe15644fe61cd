import { formats } from '@distillery/formats';
import type { DistilleryQueue, JobControl, LogQuery, MetricQuery, Owner } from '@distillery/queue';
import { DistilleryError, isTerminal, type JobLogs, type StageState } from '@distillery/spec';
import type { BlobInfo } from '@distillery/store';
import { lostStages, reportOf } from '@distillery/training';
import { deleteJob } from '../artifacts/delete-job.ts';
import { blobName } from '../artifacts/named.ts';
import { bundleBytes, type BundleChoice } from '../bundle-file.ts';
import { type CurveQuery, curveReader } from '../curves/read-curves.ts';
import { metricsCsv } from '../http/csv.ts';
import { jobTag } from '../http/entity-tag.ts';
import { checkpointsOf, type JobNetwork, jobNetworks } from '../networks.ts';
import { analysisOf } from '../predictions/analysis.ts';
import { type SampleQuery, sampleImage, samplesOf } from '../predictions/samples.ts';
import { encodedAs, type EncodeChoice } from '../weight-files.ts';
import type { ThreadServices } from './open-services.ts';

/** The controls of a job that answer with its view. */
export type ControlAction = Exclude<keyof JobControl, 'remove'>;

/** Which stages of a job a page has. */
export interface StageQuery {
  state?: StageState | undefined;
  limit: number;
  /** `next` of the page before. */
  after?: string | undefined;
}

/** The curves that each connection has read. */
const curveReaders = new WeakMap<DistilleryQueue, ReturnType<typeof curveReader>>();

/** What takes long for a job with thousands of stages or rows of metrics. What clients see is text, encoded here. */
export const jobWorks = {
  /** The view of a job, with its entity tag. @throws DistilleryError `job_not_found` */
  async view({ queue }: ThreadServices, id: string): Promise<{ tag: string; view: string }> {
    const now = await queue.jobs.get(id);
    return { tag: jobTag(now), view: JSON.stringify(now.view) };
  },

  /** A page of its stages. @throws DistilleryError `job_not_found`; `malformed_request` when `after` is none of its stages */
  async stages({ queue }: ThreadServices, id: string, { state, limit, after }: StageQuery): Promise<string> {
    const { stages: all } = (await queue.jobs.get(id)).view;
    const last = all.findIndex((stage) => stage.id === after);
    if (after !== undefined && last === -1) {
      const message = 'must be `next` of the page before: the job has no such stage';
      throw new DistilleryError('malformed_request', `#/query/after: ${message}`, {
        fields: [{ path: '#/query/after', message, value: after }],
      });
    }
    const found = all.slice(last + 1).filter((stage) => state === undefined || stage.state === state);
    const stages = found.slice(0, limit);
    return JSON.stringify({ stages, next: found.length > limit ? (stages.at(-1)?.id ?? null) : null });
  },

  /**
   * Controls a job and returns its view. A retry of a job that has succeeded looks for the stages that must run again; the
   * workers themselves find those of other jobs.
   */
  async control(
    { queue, store }: ThreadServices,
    id: string,
    action: ControlAction,
    by: Owner | undefined,
  ): Promise<string> {
    const lost = action === 'retry' ? await lostBySucceeded() : [];
    return JSON.stringify(await queue.control[action](id, by, lost));

    async function lostBySucceeded(): Promise<string[]> {
      if ((await queue.jobs.header(id)).state !== 'succeeded') return [];
      const [plan, results] = await Promise.all([queue.jobs.plan(id), queue.jobs.results(id)]);
      return lostStages(store, { plan, results });
    }
  },

  /** Deletes a job, as `deleteJob` does. Returns why some of its checkpoints were not removed; null when they were. */
  async remove({ queue, store }: ThreadServices, id: string): Promise<string | null> {
    let failure: string | null = null;
    await deleteJob(queue, store, id, (error) => {
      failure = String(error);
    });
    return failure;
  },

  /** The networks of a job that are teachers, or the runs of a student. @throws DistilleryError `job_not_found`, `unsupported_job` */
  async networks(
    { queue }: ThreadServices,
    id: string,
    { role, name }: { role: JobNetwork['role']; name?: string },
  ): Promise<JobNetwork[]> {
    const networks = await jobNetworks(queue, id);
    return networks.filter((one) => one.role === role && (name === undefined || one.name === name));
  },

  /** The weights that can be downloaded so far. @throws DistilleryError `job_not_found`, `unsupported_job` */
  async checkpoints({ queue }: ThreadServices, id: string): Promise<string> {
    return JSON.stringify({ checkpoints: (await jobNetworks(queue, id)).flatMap(checkpointsOf) });
  },

  /**
   * The report as the worker stored it: that of an earlier version may lack fields of the schema.
   *
   * @throws DistilleryError `job_not_found`, `not_ready`, `unsupported_job`
   */
  async report({ queue }: ThreadServices, id: string): Promise<string> {
    const [{ state }, plan, results] = await Promise.all([
      queue.jobs.header(id),
      queue.jobs.plan(id),
      queue.jobs.results(id),
    ]);
    const written = reportOf(plan, results);
    if (written !== undefined) return JSON.stringify(written);
    const reason = isTerminal(state)
      ? `the job has ${state} and has no report`
      : `the job is ${state}; its report is its last stage`;
    throw new DistilleryError('not_ready', reason);
  },

  /**
   * A page of the rows of metrics, as CSV or as JSON.
   *
   * @returns the page, the position after it, and whether there are more rows
   * @throws DistilleryError `job_not_found`, `stage_not_found`
   */
  async metrics(
    { queue }: ThreadServices,
    id: string,
    { csv, ...query }: MetricQuery & { csv: boolean },
  ): Promise<{ text: string; after: string | null; more: boolean }> {
    const { stages } = await queue.jobs.header(id);
    if (query.stage !== undefined && !stages.includes(query.stage)) throw noStage(query.stage, stages);
    const { rows, after, more } = await queue.metrics.read(id, query);
    return { text: csv ? metricsCsv(rows) : JSON.stringify({ metrics: rows, after, more }), after, more };
  },

  /**
   * Encodes weights as a file of a format and puts it into the store. It is noted as a leftover: a collection removes it when it
   * has not been used for a while.
   *
   * @throws DistilleryError `checkpoint_not_found`, `artifact_corrupt`; those of the store
   */
  async encodeWeights(
    { queue, store }: ThreadServices,
    _id: string,
    { digest, format, options }: EncodeChoice,
  ): Promise<BlobInfo> {
    const file = await store.put(encodedAs(formats.get(format), await store.read(digest), options));
    await queue.inventory.leftovers.add([blobName(file.digest)]);
    return file;
  },

  /**
   * Makes a bundle and puts it into the store, as a leftover like an encoded file.
   *
   * @throws DistilleryError `checkpoint_not_found`, `artifact_corrupt`, `malformed_request`; those of the store
   */
  async encodeBundle(
    { queue, store }: ThreadServices,
    _id: string,
    { digest, ...choice }: BundleChoice,
  ): Promise<BlobInfo> {
    const file = await store.put(bundleBytes(await store.read(digest), choice));
    await queue.inventory.leftovers.add([blobName(file.digest)]);
    return file;
  },

  /** The training curves, thinned out. @throws DistilleryError `job_not_found`, `stage_not_found` */
  async curves(
    { queue }: ThreadServices,
    id: string,
    { stages: wanted, ...query }: Omit<CurveQuery, 'stages'> & { stages?: readonly string[] | undefined },
  ): Promise<string> {
    const { stages } = await queue.jobs.header(id);
    for (const stage of wanted ?? []) if (!stages.includes(stage)) throw noStage(stage, stages);
    const reader = curveReaders.get(queue) ?? curveReader(queue);
    curveReaders.set(queue, reader);
    return JSON.stringify(await reader.read(id, { ...query, stages: [...new Set(wanted ?? stages)] }));
  },

  /** The predictions of the networks, class by class. @throws DistilleryError `job_not_found`, `unsupported_job`, `not_ready` */
  async analysis({ queue, store }: ThreadServices, id: string): Promise<string> {
    const [plan, results] = await Promise.all([queue.jobs.plan(id), queue.jobs.results(id)]);
    return JSON.stringify(await analysisOf(store, { plan, results }));
  },

  /** Test samples with logits. @throws DistilleryError `job_not_found`, and those of `samplesOf` */
  async samples({ queue, store }: ThreadServices, id: string, query: SampleQuery): Promise<string> {
    const [plan, results, { spec }] = await Promise.all([
      queue.jobs.plan(id),
      queue.jobs.results(id),
      queue.jobs.spec(id),
    ]);
    return JSON.stringify(await samplesOf(store, { plan, results, spec }, query));
  },

  /** A test image as PNG. @throws DistilleryError `job_not_found`, and those of `sampleImage` */
  async sampleImage({ queue, store }: ThreadServices, id: string, index: number): Promise<Uint8Array> {
    const [plan, results] = await Promise.all([queue.jobs.plan(id), queue.jobs.results(id)]);
    return sampleImage(store, { plan, results }, index);
  },

  /** Lines of the log. @throws DistilleryError `job_not_found`, `stage_not_found` */
  async logs({ queue }: ThreadServices, id: string, query: LogQuery): Promise<JobLogs> {
    const { stages } = await queue.jobs.header(id);
    if (query.stage !== undefined && !stages.includes(query.stage)) throw noStage(query.stage, stages);
    return queue.events.logs(id, query);
  },
};

function noStage(stage: string, stages: readonly string[]): DistilleryError {
  const shown = stages.slice(0, 10);
  const more = stages.length > shown.length ? ` and ${stages.length - shown.length} more` : '';
  const message = `the job has no stage ${JSON.stringify(stage)}; its stages are: ${shown.join(', ')}${more}`;
  return new DistilleryError('stage_not_found', message);
}
