import type {
  AuditEntry,
  CatalogueEntry,
  Checkpoint,
  EngineInfo,
  JobSpecInput,
  JobSummary,
  JobView,
  MetricRow,
  Report,
  ScrubReport,
  StageView,
  StreamEvent,
} from '@distillery/spec';
import { isTerminal } from '@distillery/spec/states';
import { ApiError } from './api-error.ts';
import { delay } from './delay.ts';
import { type FollowOptions, streamEvents } from './events.ts';

/**
 * Selects weights of a job: those of the teacher, of another teacher by name, or of a student. Default: the first seed and
 * the best epoch.
 */
export interface WeightsChoice {
  teacher?: string;
  student?: string;
  seed?: number;
  checkpoint?: 'best' | 'last';
  /** A format that `formats()` lists; default: `safetensors`. */
  format?: string;
}

export interface WatchOptions {
  /** Milliseconds between two requests, default 500. */
  interval?: number;
  signal?: AbortSignal;
}

export type Client = ReturnType<typeof createClient>;

/**
 * Creates a client of a Distillery API. Every method throws ApiError for a response that is not a success, and fetch's
 * TypeError when there is no response.
 *
 * @param url the base URL of the API, such as `http://127.0.0.1:8080`
 * @param options.token an API key, `dk_…`, for an API that requires one
 */
export function createClient(url: string, { token }: { token?: string | undefined } = {}) {
  const base = url.replace(/\/+$/, '');

  async function request(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
    const response = await fetch(base + path, { ...init, headers });
    if (response.ok) return response;
    const text = await response.text();
    throw new ApiError(response.status, parsed(text) ?? { detail: text.slice(0, 500) });
  }

  async function json<T>(path: string, init?: RequestInit): Promise<T> {
    return (await (await request(path, init)).json()) as T;
  }

  const post = (body: unknown, headers: Record<string, string> = {}): RequestInit => ({
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  const jobPath = (id: string) => `/v1/jobs/${encodeURIComponent(id)}`;

  const client = {
    /** Submits a job. With an idempotency key, a repeated call returns the job of the first call. */
    submit: (spec: JobSpecInput, { idempotencyKey }: { idempotencyKey?: string } = {}) =>
      json<JobView>(
        '/v1/jobs',
        post(spec, idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      ),

    /** Plans a job without submitting it: stages, shapes, projectors, estimates. */
    validate: (spec: JobSpecInput) => json<Record<string, unknown>>('/v1/jobs/validate', post(spec)),

    jobs: (query: Record<string, string> = {}) =>
      json<{ jobs: JobSummary[]; next: string | null }>(`/v1/jobs?${new URLSearchParams(query)}`),

    /** A page of the stages of a job, for jobs that have many. */
    stages: (id: string, query: Record<string, string> = {}) =>
      json<{ stages: StageView[]; next: string | null }>(
        `${jobPath(id)}/stages?${new URLSearchParams(query)}`,
      ),

    job: (id: string) => json<JobView>(jobPath(id)),

    /** Returns the spec of a job as it was submitted. */
    spec: (id: string) => json<JobSpecInput>(`${jobPath(id)}/spec`),

    /** Cancels a job; it is `cancelling` until its trainers have committed a checkpoint. */
    cancel: (id: string) => json<JobView>(`${jobPath(id)}/cancel`, { method: 'POST' }),
    pause: (id: string) => json<JobView>(`${jobPath(id)}/pause`, { method: 'POST' }),
    resume: (id: string) => json<JobView>(`${jobPath(id)}/resume`, { method: 'POST' }),
    /** Continues a failed or cancelled job from its last checkpoints. */
    retry: (id: string) => json<JobView>(`${jobPath(id)}/retry`, { method: 'POST' }),

    /** Deletes a job that has ended, and the artifacts that no other job shares. */
    async remove(id: string): Promise<void> {
      await request(jobPath(id), { method: 'DELETE' });
    },

    metrics: (id: string, query: Record<string, string> = {}) =>
      json<{ metrics: MetricRow[]; after: string | null; more: boolean }>(
        `${jobPath(id)}/metrics?${new URLSearchParams(query)}`,
      ),

    report: (id: string) => json<Report>(`${jobPath(id)}/report`),

    checkpoints: (id: string) => json<{ checkpoints: Checkpoint[] }>(`${jobPath(id)}/checkpoints`),

    /** The bytes of a weight file, checked against the digest that the service sends with it. */
    async weights(
      id: string,
      { teacher, student, seed, checkpoint, format }: WeightsChoice = {},
    ): Promise<Uint8Array> {
      const query = new URLSearchParams({
        ...(seed === undefined ? {} : { seed: String(seed) }),
        ...(checkpoint === undefined ? {} : { checkpoint }),
        ...(format === undefined ? {} : { format }),
      });
      const network =
        student !== undefined
          ? `students/${encodeURIComponent(student)}`
          : `teachers/${encodeURIComponent(teacher ?? 'teacher')}`;
      const response = await request(`${jobPath(id)}/${network}/weights?${query}`);
      const bytes = new Uint8Array(await response.arrayBuffer());
      const expected = /sha-256=:([^:]+):/.exec(response.headers.get('repr-digest') ?? '')?.[1];
      const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
      const actual = btoa(String.fromCharCode(...digest));
      if (expected !== actual)
        throw new Error(`the weights of ${id} have digest ${actual}, expected ${expected}`);
      return bytes;
    },

    methods: () => json<{ methods: CatalogueEntry[] }>('/v1/methods'),
    architectures: () => json<{ architectures: CatalogueEntry[] }>('/v1/architectures'),
    datasets: () => json<{ datasets: CatalogueEntry[] }>('/v1/datasets'),
    formats: () => json<{ formats: CatalogueEntry[] }>('/v1/formats'),
    engine: () => json<{ workers: { id: string; engine: EngineInfo }[] }>('/v1/engine'),

    /** Counts files in the store that no job needs; `remove: 'true'` removes them. Needs the scope `admin`. */
    sweep: (query: Record<string, string> = {}) =>
      json<{ removed: boolean; blobs: number; bytes: number; checkpoints: number; shared: number }>(
        `/v1/store/sweep?${new URLSearchParams(query)}`,
        { method: 'POST' },
      ),

    /** Begins to compare every file of the store with its digest; `remove` removes damaged ones. Needs the scope `admin`. */
    scrub: ({ remove = false } = {}) =>
      json<ScrubReport>(`/v1/store/scrub?remove=${remove}`, { method: 'POST' }),
    /** The report of the scrub that runs, or of the last one. */
    scrubReport: () => json<ScrubReport>('/v1/store/scrub'),

    /** Reads the audit log, newest entries first. Needs the scope `admin`. */
    audit: (query: Record<string, string> = {}) =>
      json<{ entries: AuditEntry[]; next: string | null }>(`/v1/audit?${new URLSearchParams(query)}`),

    /**
     * Yields what has happened to a job and what happens to it, each event once, until the job has ended; without a job, what
     * happens to all jobs, without an end. Lost connections are made again. A `reset` stands for events that the service no longer
     * has: it has the view of the job. For all jobs it also comes first when there is no `after`; what `jobs()` lists from then
     * on is changed by the events that follow.
     */
    events: (id?: string, options: FollowOptions = {}): AsyncGenerator<StreamEvent, void, void> =>
      streamEvents(
        (headers, signal) =>
          request(id === undefined ? '/v1/events' : `${jobPath(id)}/events`, {
            headers: { accept: 'text/event-stream', ...headers },
            signal,
          }),
        options,
      ),

    /** Yields the view of a job again and again until the job has ended; the last view is the final one. */
    async *watch(id: string, { interval = 500, signal }: WatchOptions = {}): AsyncGenerator<JobView> {
      while (true) {
        const view = await client.job(id);
        yield view;
        if (isTerminal(view.state)) return;
        await delay(interval, signal);
      }
    },
  };
  return client;
}

function parsed(text: string): Record<string, never> | undefined {
  try {
    return JSON.parse(text) as Record<string, never>;
  } catch {
    return undefined;
  }
}
