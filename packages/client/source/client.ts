import type { EngineInfo, StreamEvent, WorkersView } from '@distillery/spec';
import { type FollowOptions, streamEvents } from './events.ts';
import { audit } from './resources/audit.ts';
import { catalogue } from './resources/catalogue.ts';
import { datasets } from './resources/datasets.ts';
import { jobs } from './resources/jobs.ts';
import { keys } from './resources/keys.ts';
import { networks } from './resources/networks.ts';
import { projects } from './resources/projects.ts';
import { session } from './resources/session.ts';
import { store } from './resources/store.ts';
import { sweeps } from './resources/sweeps.ts';
import { uploads } from './resources/uploads.ts';
import { webhooks } from './resources/webhooks.ts';
import { type CallOptions, type ClientOptions, createTransport } from './transport.ts';

export type Client = ReturnType<typeof createClient>;

/**
 * Creates a client of a Distillery API, for Node and for browsers.
 *
 * Each call throws ApiError for a response that is not a success and ConnectionError when there is no complete response.
 * Requests that are safe to repeat are sent again after failures that may pass, with growing pauses.
 *
 * @param url the base URL of the API, such as `http://127.0.0.1:8080`; `/` in a page of the service
 * @example
 * const client = createClient('http://127.0.0.1:8080', { token: 'dk_…' });
 * const { id } = await client.jobs.create(spec);
 * const { state } = await client.jobs.wait(id);
 * if (state === 'succeeded') console.log(await client.jobs.report(id));
 */
export function createClient(url: string, options: ClientOptions = {}) {
  const transport = createTransport(url, options);
  return {
    jobs: jobs(transport),
    sweeps: sweeps(transport),
    /** The distillation terms. */
    methods: catalogue(transport, 'methods'),
    architectures: catalogue(transport, 'architectures'),
    /** The sources of data sets. */
    sources: catalogue(transport, 'sources'),
    /** The kinds of teachers. */
    teachers: catalogue(transport, 'teachers'),
    /** The formats of weight files. */
    formats: catalogue(transport, 'formats'),
    uploads: uploads(transport),
    datasets: datasets(transport),
    networks: networks(transport),
    store: store(transport),
    audit: audit(transport),
    webhooks: webhooks(transport),
    keys: keys(transport),
    projects: projects(transport),
    session: session(transport),

    /**
     * Yields what happens to all jobs, without an end. Lost connections are made again. Without `after` a `reset` comes
     * first: what `jobs.list()` returns from then on is changed by the events that follow.
     *
     * @example
     * for await (const event of client.events()) if (event.type === 'job') console.log(event.job, event.state);
     */
    events: (follow: FollowOptions = {}): AsyncGenerator<StreamEvent, void, void> =>
      streamEvents(transport, { path: '/v1/events' }, follow),

    /**
     * Returns the workers that are alive with what each of them runs, and what waits.
     *
     * @example
     * const { workers, queue } = await client.workers();
     * console.log(workers.flatMap(({ stages }) => stages), queue.ready);
     */
    workers: (call: CallOptions = {}): Promise<WorkersView> =>
      transport.json<WorkersView>({ path: '/v1/workers', ...call }),

    /**
     * Returns the running workers, each with its engine.
     *
     * @example
     * const [{ engine }] = await client.engines();
     */
    engines: async (call: CallOptions = {}): Promise<{ id: string; engine: EngineInfo }[]> =>
      (
        await transport.json<{ workers: { id: string; engine: EngineInfo }[] }>({
          path: '/v1/engine',
          ...call,
        })
      ).workers,
  };
}
