import type {
  Analysis,
  Checkpoint,
  Curves,
  JobLogs,
  JobSpecInput,
  JobState,
  JobSummary,
  JobView,
  MetricRow,
  Plan,
  RecordedLine,
  Report,
  Samples,
  StageState,
  StageView,
  StreamEvent,
} from '@distillery/spec';
import { type Download, type DownloadOptions, download } from '../download.ts';
import { type FollowOptions, streamEvents } from '../events.ts';
import { type Listing, listing } from '../listing.ts';
import { randomKey } from '../random-key.ts';
import type { CallOptions, Transport } from '../transport.ts';
import { type WatchOptions, watchJob } from '../watch.ts';

export interface JobFilter {
  /** Jobs in this state. */
  state?: JobState | undefined;
  /** Jobs with all of these labels. */
  labels?: Record<string, string> | undefined;
  /** Jobs of this owner: the name of an API key. */
  owner?: string | undefined;
  /** Jobs whose name contains this text, in any case. */
  name?: string | undefined;
  /** The most jobs of a page, 1 to 100; default 20. */
  limit?: number | undefined;
  /** Jobs after this position: `next` of a page. */
  after?: string | undefined;
}

export interface JobPage {
  jobs: JobSummary[];
  next: string | null;
}

export interface StagePage {
  stages: StageView[];
  next: string | null;
}

export interface MetricsQuery {
  /** Rows of one stage, for example `student.soft.1`. */
  stage?: string | undefined;
  /** `all` also returns rows that a later attempt of their stage has written again; default `latest`. */
  attempts?: 'latest' | 'all' | undefined;
  /** Rows after this position: `after` of a page. */
  after?: string | undefined;
  /** The most rows of a page, 1 to 10 000; default 1000. */
  limit?: number | undefined;
}

export interface MetricsPage {
  metrics: MetricRow[];
  /** The position to go on from, now or when there are more rows. */
  after: string | null;
  /** Whether there are more rows now. */
  more: boolean;
}

export interface CurvesQuery {
  /** The most points of a curve; default: that of the API. */
  points?: number | undefined;
  /** Only these stages. */
  stages?: readonly string[] | undefined;
  /** Only what is newer: `after` of an earlier answer. */
  after?: string | undefined;
}

export interface LogsQuery {
  /** Lines of one stage. */
  stage?: string | undefined;
  /** Lines that are at least this serious. */
  level?: 'info' | 'warn' | 'error' | undefined;
  /** The newest lines, at most so many. */
  tail?: number | undefined;
  /** Lines after this position: `after` of a page. */
  after?: string | undefined;
}

export interface SamplesQuery {
  /** The name of the student. */
  student: string;
  /** The seed of its run. */
  seed: number;
  /** `disagreement` (the default): those first on which student and teacher differ most. */
  sort?: 'disagreement' | 'index' | undefined;
  /** Samples of the class with this index. */
  class?: number | undefined;
  /** The most samples, 1 to 100; default 24. */
  limit?: number | undefined;
  /** How many to leave out before them; default 0. */
  offset?: number | undefined;
}

/** Names weights of a job: of a teacher, or of a student. Default: the teacher, its best epoch, as safetensors. */
export interface WeightsChoice {
  teacher?: string | undefined;
  student?: string | undefined;
  /** The seed of the student's run; default: the first of the job. */
  seed?: number | undefined;
  checkpoint?: 'best' | 'last' | undefined;
  /** A format of `client.formats.list()`. */
  format?: string | undefined;
  /** Options of the format, such as `{ precision: 'int8' }`; the list of formats describes them. */
  options?: Readonly<Record<string, string>> | undefined;
}

/** Names the bundle of a student. Default: its first seed, its best epoch, as safetensors. */
export interface BundleChoice extends Omit<WeightsChoice, 'teacher' | 'student'> {
  student: string;
  /** The license that the model card names, such as `apache-2.0`. */
  license?: string | undefined;
}

/** The calls about jobs. */
export function jobs(transport: Transport) {
  const path = (id: string, below = '') => `/v1/jobs/${encodeURIComponent(id)}${below}`;
  const get = <T>(id: string, below: string, options: CallOptions) =>
    transport.json<T>({ path: path(id, below), ...options });
  const control =
    (action: string) =>
    (id: string, options: CallOptions = {}) =>
      transport.json<JobView>({ path: path(id, `/${action}`), method: 'POST', repeatable: true, ...options });
  const events = (id: string, options: FollowOptions = {}): AsyncGenerator<StreamEvent, void, void> =>
    streamEvents(transport, { path: path(id, '/events') }, options);

  return {
    /**
     * Submits a job. It is safe to repeat, and is repeated by itself after a failure that may pass: the request has an
     * idempotency key, by which the service knows it again for 24 hours. Give a key of your own to repeat it from another
     * process.
     *
     * @throws ApiError `invalid_spec`, with an entry in `errors` for each invalid field
     * @example
     * const job = await client.jobs.create({
     *   dataset: { source: 'shapes' },
     *   teacher: { architecture: { type: 'deepnn' } },
     *   students: [{ name: 'small', architecture: { type: 'lightnn' }, method: [{ type: 'soft_target' }] }],
     * });
     */
    create: (
      spec: JobSpecInput,
      { idempotencyKey = randomKey(), ...options }: CallOptions & { idempotencyKey?: string } = {},
    ): Promise<JobView> =>
      transport.json<JobView>({
        path: '/v1/jobs',
        method: 'POST',
        body: spec,
        headers: { 'idempotency-key': idempotencyKey },
        repeatable: true,
        ...options,
      }),

    /**
     * Plans a job without submitting it: stages, shapes, projectors, parameters and estimates.
     *
     * @throws ApiError `invalid_spec`, with an entry in `errors` for each invalid field
     * @example
     * const { estimate } = await client.jobs.validate(spec);
     * console.log(estimate.seconds);
     */
    validate: (spec: JobSpecInput, options: CallOptions = {}): Promise<Plan> =>
      transport.json<Plan>({
        path: '/v1/jobs/validate',
        method: 'POST',
        body: spec,
        repeatable: true,
        ...options,
      }),

    /**
     * Returns a job with its stages.
     *
     * @throws ApiError `job_not_found`
     * @example
     * const { state, progress } = await client.jobs.get('job_01kg9z3m7q8w5t2r4y6v0xnbcd');
     */
    get: (id: string, options: CallOptions = {}): Promise<JobView> => get<JobView>(id, '', options),

    /**
     * Lists jobs, newest first.
     *
     * @example
     * for await (const job of client.jobs.list({ labels: { team: 'blue' } })) console.log(job.id, job.state);
     */
    list: ({ labels = {}, after, ...filter }: JobFilter = {}, options: CallOptions = {}) =>
      listing(
        (from = after) =>
          transport.json<JobPage>({
            path: '/v1/jobs',
            query: {
              ...filter,
              label: Object.entries(labels).map(([key, value]) => `${key}=${value}`),
              after: from,
            },
            ...options,
          }),
        { items: (page) => page.jobs, next: (page) => page.next },
      ),

    /**
     * Lists the stages of a job, each after those that it needs.
     *
     * @example
     * const failed = await client.jobs.stages(id, { state: 'failed' }).toArray();
     */
    stages: (
      id: string,
      { after, ...query }: { state?: StageState; limit?: number; after?: string } = {},
      options: CallOptions = {},
    ): Listing<StageView, StagePage> =>
      listing(
        (from = after) =>
          transport.json<StagePage>({
            path: path(id, '/stages'),
            query: { ...query, after: from },
            ...options,
          }),
        { items: (page) => page.stages, next: (page) => page.next },
      ),

    /**
     * Yields what has happened to a job and what happens to it, each event once, until the job has ended. Lost connections
     * are made again, and the stream goes on behind its last event. A `reset` with the view of the job stands for events
     * that the service no longer has.
     *
     * @example
     * for await (const event of client.jobs.events(id)) {
     *   if (event.type === 'log') console.log(event.message);
     * }
     */
    events,

    /**
     * Yields the view of a job, and again whenever something has happened to it, until it has ended: the last view is the
     * final one. It outlives restarts of the service.
     *
     * @example
     * for await (const { state, progress } of client.jobs.watch(id)) console.log(state, progress);
     */
    watch: (id: string, options: WatchOptions = {}): AsyncGenerator<JobView, void, void> => {
      const { interval: _, onEvent: __, onLost, ...call } = options;
      return watchJob(
        {
          view: (again) => get<JobView>(id, '', again ? { ...call, retries: 0 } : call),
          events: (signal) => events(id, { ...call, onLost, signal }),
        },
        options,
      );
    },

    /**
     * Waits until a job has ended and returns its final view, whatever its state.
     *
     * @example
     * const { state, reason } = await client.jobs.wait(id);
     * if (state === 'failed') throw new Error(reason?.message);
     */
    async wait(id: string, options: WatchOptions = {}): Promise<JobView> {
      let last: JobView | undefined;
      for await (const view of this.watch(id, options)) last = view;
      return last as JobView;
    },

    /**
     * Lists the rows of the training curves as they were written, each step once.
     *
     * @example
     * for await (const { step, values } of client.jobs.metrics(id, { stage: 'teacher' })) console.log(step, values.loss);
     */
    metrics: (
      id: string,
      { after, ...query }: MetricsQuery = {},
      options: CallOptions = {},
    ): Listing<MetricRow, MetricsPage> =>
      listing(
        (from = after) =>
          transport.json<MetricsPage>({
            path: path(id, '/metrics'),
            query: { ...query, after: from },
            ...options,
          }),
        { items: (page) => page.metrics, next: (page) => (page.more ? page.after : null) },
      ),

    /**
     * Returns the training curves, thinned out by the service: one for each stage and name of a value.
     *
     * @example
     * const { curves } = await client.jobs.curves(id, { points: 200, stages: ['teacher'] });
     */
    curves: (
      id: string,
      { stages, ...query }: CurvesQuery = {},
      options: CallOptions = {},
    ): Promise<Curves> =>
      transport.json<Curves>({ path: path(id, '/curves'), query: { ...query, stage: stages }, ...options }),

    /**
     * Lists the lines that the trainers and supervisors of a job have logged, oldest first; `followLogs` goes on with those
     * that come.
     *
     * @example
     * for (const { time, message } of await client.jobs.logs(id, { tail: 50 }).toArray()) console.log(time, message);
     */
    logs: (
      id: string,
      { after, tail, ...query }: LogsQuery = {},
      options: CallOptions = {},
    ): Listing<RecordedLine, JobLogs> =>
      listing(
        (from) =>
          transport.json<JobLogs>({
            path: path(id, '/logs'),
            query: { ...query, ...(from === undefined ? { tail, after } : { after: from }) },
            ...options,
          }),
        { items: (page) => page.lines, next: (page) => (page.more ? page.after : null) },
      ),

    /**
     * Yields the newest lines of the log, or those after a position, then those that come, each once, until the job has
     * ended. Lost connections are made again.
     *
     * @example
     * for await (const { time, message } of client.jobs.followLogs(id, { tail: 10 })) console.log(time, message);
     */
    async *followLogs(
      id: string,
      { after, ...query }: LogsQuery = {},
      options: Omit<FollowOptions, 'after'> = {},
    ): AsyncGenerator<RecordedLine, void, void> {
      const request = { path: path(id, '/logs'), query: { ...query, follow: true } };
      for await (const event of streamEvents(transport, request, { ...options, after })) {
        if (event.type !== 'log') continue;
        const { type: _, job: __, ...line } = event;
        yield line;
      }
    },

    /**
     * Returns the report of a job: every student beside its control.
     *
     * @throws ApiError `not_ready` before the job has succeeded
     * @example
     * for (const { name, testAccuracy } of (await client.jobs.report(id)).students)
     *   console.log(name, testAccuracy.best.mean);
     */
    report: (id: string, options: CallOptions = {}): Promise<Report> => get<Report>(id, '/report', options),

    /**
     * Returns the model card of a student: Markdown with the metadata of Hugging Face.
     *
     * @param license of the weights, such as `apache-2.0`
     * @throws ApiError `not_ready` before the job has succeeded, `student_not_found`
     * @example
     * await writeFile('README.md', await client.jobs.card(id, 'small', { license: 'apache-2.0' }));
     */
    card: async (
      id: string,
      student: string,
      { license, ...options }: CallOptions & { license?: string } = {},
    ): Promise<string> => {
      const bytes = await transport.bytes({
        path: path(id, `/students/${encodeURIComponent(student)}/card`),
        query: { license },
        headers: { accept: 'text/markdown' },
        ...options,
      });
      return new TextDecoder().decode(bytes);
    },

    /**
     * Returns how the networks answer on the test set: the accuracy for each class, confusion and calibration.
     *
     * @throws ApiError `not_ready` before the first student is trained
     * @example
     * for (const { name, classAccuracy } of (await client.jobs.analysis(id)).networks) console.log(name, classAccuracy);
     */
    analysis: (id: string, options: CallOptions = {}): Promise<Analysis> =>
      get<Analysis>(id, '/analysis', options),

    /**
     * Returns test samples with the logits of a student, its teacher and its control.
     *
     * @throws ApiError `student_not_found`; `not_ready` before the student is trained
     * @example
     * const { samples, classes } = await client.jobs.samples(id, { student: 'small', seed: 1, limit: 10 });
     */
    samples: (id: string, query: SamplesQuery, options: CallOptions = {}): Promise<Samples> =>
      transport.json<Samples>({ path: path(id, '/samples'), query: { ...query }, ...options }),

    /**
     * Returns a test image as PNG, at the size at which the networks see it.
     *
     * @param index `index` of one of the `samples`
     * @throws ApiError `sample_not_found`, also for samples that are texts
     * @example
     * await writeFile('sample.png', await client.jobs.sampleImage(id, samples[0].index));
     */
    sampleImage: (id: string, index: number, options: CallOptions = {}): Promise<Uint8Array> =>
      transport.bytes({
        path: path(id, `/samples/${index}/image`),
        headers: { accept: 'image/png' },
        ...options,
      }),

    /**
     * Returns the spec of a job as it was submitted. It can be submitted again.
     *
     * @example
     * await client.jobs.create({ ...(await client.jobs.spec(id)), seeds: [4, 5, 6] });
     */
    spec: (id: string, options: CallOptions = {}): Promise<JobSpecInput> =>
      get<JobSpecInput>(id, '/spec', options),

    /**
     * Returns the weights that can be downloaded so far.
     *
     * @example
     * const best = (await client.jobs.checkpoints(id)).filter(({ checkpoint }) => checkpoint === 'best');
     */
    checkpoints: async (id: string, options: CallOptions = {}): Promise<Checkpoint[]> =>
      (await get<{ checkpoints: Checkpoint[] }>(id, '/checkpoints', options)).checkpoints,

    /**
     * Downloads weights as a stream that is checked against its SHA-256 digest. A connection that is cut is made again
     * where it ended, so that no byte is sent twice.
     *
     * @throws DigestError behind the last byte, when the bytes are not those that the service has
     * @example
     * // In Node:
     * const options = { precision: 'int8' };
     * const file = await client.jobs.download(id, { student: 'small', seed: 1, format: 'onnx', options });
     * await pipeline(file.stream, createWriteStream(file.name));
     * @example
     * // In memory:
     * const bytes = await (await client.jobs.download(id, { student: 'small' })).bytes();
     */
    download: (
      id: string,
      { teacher = 'teacher', student, options: chosen, ...query }: WeightsChoice = {},
      options: DownloadOptions = {},
    ): Promise<Download> => {
      const network =
        student === undefined
          ? `teachers/${encodeURIComponent(teacher)}`
          : `students/${encodeURIComponent(student)}`;
      return download(
        transport,
        { path: path(id, `/${network}/weights`), query: { ...query, ...chosen } },
        options,
      );
    },

    /**
     * Downloads a zip archive that runs as it is: the weights of a student in a format, with its model card, labels, preparation of
     * inputs, and programs for Python, Node.js or a browser.
     *
     * @throws ApiError `not_ready` before the job has succeeded, `student_not_found`
     * @example
     * const bundle = await client.jobs.bundle(id, { student: 'small', format: 'onnx', license: 'apache-2.0' });
     * await pipeline(bundle.stream, createWriteStream(bundle.name));
     */
    bundle: (
      id: string,
      { student, options: chosen, ...query }: BundleChoice,
      options: DownloadOptions = {},
    ): Promise<Download> =>
      download(
        transport,
        {
          path: path(id, `/students/${encodeURIComponent(student)}/bundle`),
          query: { ...query, ...chosen },
        },
        options,
      ),

    /**
     * Cancels a job. It is `cancelling` until its trainers have committed their checkpoints.
     *
     * @throws ApiError `state_conflict` for a job that has ended
     * @example
     * await client.jobs.cancel(id);
     */
    cancel: control('cancel'),

    /**
     * Pauses a job. It is `pausing` until its trainers have committed their checkpoints.
     *
     * @example
     * await client.jobs.pause(id);
     */
    pause: control('pause'),

    /**
     * Goes on with a paused job.
     *
     * @example
     * await client.jobs.resume(id);
     */
    resume: control('resume'),

    /**
     * Goes on with a failed or cancelled job from its last checkpoints.
     *
     * @example
     * if ((await client.jobs.get(id)).state === 'failed') await client.jobs.retry(id);
     */
    retry: control('retry'),

    /**
     * Deletes a job that has ended, and the files that no other job shares.
     *
     * @example
     * for await (const { id } of client.jobs.list({ state: 'cancelled' })) await client.jobs.delete(id);
     */
    delete: (id: string, options: CallOptions = {}): Promise<void> =>
      transport.done({ path: path(id), method: 'DELETE', ...options }),
  };
}

/** A new idempotency key. Not `crypto.randomUUID`, which pages have over https alone. */
