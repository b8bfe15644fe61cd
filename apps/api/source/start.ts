import type { AddressInfo } from 'node:net';
import { openStore, type Store, storeCache } from '@distillery/store';
import { type DistilleryQueue, openQueue } from '@distillery/queue';
import { planSchema } from '@distillery/spec';
import { defaultOf } from '@distillery/spec/configuration';
import { pageFolder } from '@distillery/web/folder';
import { jobSpec, kinds, loadedPlugins, loadPlugins, stageKinds } from '@distillery/training';
import type { Logger } from 'pino';
import { type CollectorOptions, startCollector } from './artifacts/collect.ts';
import { startRetention } from './artifacts/retention.ts';
import { otherServices } from './artifacts/services.ts';
import { type AccessSettings, accessOf } from './access.ts';
import { buildApp } from './app.ts';
import { exposition } from './metrics/exposition.ts';
import { listenForMetrics } from './metrics/listen.ts';
import { processMetrics } from './metrics/process-metrics.ts';
import { readPageFiles } from './page/files.ts';
import { startProfiler } from './profiles/profiler.ts';
import type { Bounds } from './threads/bounded.ts';
import { startExpiry } from './uploads/expire.ts';
import { startFetcher } from './fetches/fetcher.ts';
import { fetchRules, type FetchRules, type FetchSettings } from './fetches/rules.ts';
import { startSweeps } from './sweeps/drive.ts';
import { startWebhookSender } from './webhooks/sender.ts';
import { type WebhookSettings, webhookRules } from './webhooks/settings.ts';
import { storeProbe } from './store-probe.ts';
import { startRecords } from './threads/records.ts';
import { startSubmissions } from './threads/submissions.ts';

export interface ApiOptions extends AccessSettings, FetchSettings, WebhookSettings {
  redisUrl: string;
  /** Prefix of every Redis key; the queue's own default when undefined. */
  prefix?: string | undefined;
  /** Default 127.0.0.1. */
  host?: string;
  /** Default 0, a free port. */
  port?: number;
  /** The artifact store: its URL, or the path of a folder. */
  store: string;
  /** The folder for downloads and decoded data sets. */
  dataDir: string;
  /** The folders that job specs may read. */
  roots: string[];
  /** The most bytes of decoded data on the disk; default 64 GiB. */
  dataDisk?: number;
  /** The most bytes of decoded data that the process which reads new data sets keeps in memory; default 512 MiB. */
  dataMemory?: number;
  /** Modules whose kinds join the built-in ones: absolute paths or package names. */
  plugins?: string[];
  /** Addresses and ranges of proxies whose `X-Forwarded-For` is trusted; default none. */
  trustProxy?: string[];
  log: Logger;
  version?: string;
  /** Whether to start with a Redis that can lose jobs; default false. */
  volatileRedis?: boolean;
  /** Milliseconds within which a whole request must arrive; default 30 000. */
  requestTimeout?: number;
  /** Days after its end after which a job is deleted; default never. */
  retainDays?: number | undefined;
  /** The most jobs that have ended and are kept; default all. */
  retainJobs?: number | undefined;
  /** The entries of the audit log that are kept; default 100,000. */
  retainAudit?: number | undefined;
  /** Days after which the session of a browser ends; default 7. */
  sessionDays?: number | undefined;
  /** Hours without a request after which it ends; default 24. */
  sessionIdleHours?: number | undefined;
  /** The most streams of events that are open at once; default 2000. */
  apiStreams?: number | undefined;
  /** Seconds between two comments in a stream of events; default 15. */
  heartbeatSeconds?: number;
  /** How often and after how long the artifacts of deleted jobs are removed. */
  collection?: CollectorOptions;
  /** A second port for `/metrics` and `/v1/demand`, without keys; 0 takes a free one. Default: none. */
  metricsPort?: number | undefined;
  /** How many submissions and plans run at once and how many more may wait; default 8 and 100. */
  submissions?: Bounds;
  /** Changes to how files are fetched from the web, for tests. */
  fetching?: Partial<FetchRules>;
}

export interface RunningApi {
  /** `http://host:port` */
  url: string;
  /** The port of the metrics; undefined when they have none. */
  metricsPort: number | undefined;
  /** Waits for the requests in progress, then closes everything. */
  close(): Promise<void>;
}

/** Starts the API in this process. */
export async function startApi(options: ApiOptions): Promise<RunningApi> {
  const {
    host = '127.0.0.1',
    port = 0,
    prefix,
    roots,
    log,
    version = '0.1.0',
    trustProxy = [],
    requestTimeout,
  } = options;
  await loadPlugins(options.plugins ?? []);
  const access = accessOf(options, host);
  const counted = processMetrics(version);
  const dataDisk = options.dataDisk ?? defaultOf('dataDisk');
  const store = await openStore(options.store, {
    warn: (message) => log.warn(message),
    cache: storeCache(options.dataDir, dataDisk),
  });
  const queue = await openQueue({
    url: options.redisUrl,
    ...(prefix === undefined ? {} : { prefix }),
    auditEntries: options.retainAudit,
    sessions: {
      days: options.sessionDays ?? defaultOf('sessionDays'),
      idleHours: options.sessionIdleHours ?? defaultOf('sessionIdleHours'),
    },
    onError: (error) => {
      counted.redisFailed();
      log.warn({ err: error }, 'Redis');
    },
  });
  if (!options.volatileRedis) await refuseVolatile(queue, log);
  const warn = (message: string) => log.warn(message);
  const opened = { redisUrl: options.redisUrl, prefix, store: store.url, warn };
  const submissions = startSubmissions({
    ...opened,
    cacheDir: options.dataDir,
    roots,
    diskBytes: dataDisk,
    fetchNetworks: options.fetchNetworks ?? [],
    bounds: options.submissions,
  });
  const records = startRecords({ ...opened, services: { queue, store } });
  const pageFiles = await readPageFiles(pageFolder);
  if (pageFiles === undefined)
    log.warn('the dashboard is not built, so / serves none: node scripts/setup.mjs builds it');
  const rules = webhookRules(options, version);
  const fetching = { ...fetchRules(options, version), ...options.fetching };
  const profiler = startProfiler(queue, store, log, {
    store: store.url,
    dataDir: options.dataDir,
    roots,
    dataDisk,
    dataMemory: options.dataMemory ?? defaultOf('dataMemory'),
    plugins: loadedPlugins,
  });
  const services = { queue, store, submissions, rules: fetching };
  const fetcher = startFetcher(services, log, () => profiler.run());
  const shown = exposition({
    queue,
    process: counted,
    storeIsWritable: storeProbe(store),
    folders: { data: options.dataDir },
  });
  const app = await buildApp({
    answered: counted.answered,
    exposition: shown,
    pageFiles,
    queue,
    store,
    submissions,
    records,
    profiler,
    fetcher,
    catalogue: { kinds, jobSpec, stageKinds: stageKinds.list.map(({ type }) => type), planSchema },
    logger: log,
    access,
    trustProxy,
    streams: {
      ...(options.apiStreams === undefined ? {} : { most: options.apiStreams }),
      ...(options.heartbeatSeconds === undefined ? {} : { heartbeatSeconds: options.heartbeatSeconds }),
    },
    webhooks: rules,
    uploads: fetching,
    version,
    ...(requestTimeout === undefined ? {} : { requestTimeout }),
  });
  const retention = startRetention(queue, store, log, {
    days: options.retainDays,
    count: options.retainJobs,
  });
  const collector = startCollector(queue, store, log, options.collection);
  const expiry = startExpiry(queue, store, log, fetching);
  const sender = startWebhookSender(queue, log, { ...rules, onAttempt: counted.attempted });
  let metrics: Awaited<ReturnType<typeof listenForMetrics>> | undefined;
  const sweeps = startSweeps({ queue, submissions, records }, log);
  const close = async () => {
    await metrics?.close();
    await app.close();
    await sweeps.close();
    await sender.close();
    await retention.close();
    await collector.close();
    await expiry.close();
    await fetcher.close();
    await profiler.close();
    await submissions.close();
    await records.close();
    await queue.close();
  };
  try {
    await app.listen({ host, port });
    if (options.metricsPort !== undefined) {
      metrics = await listenForMetrics({ host, port: options.metricsPort }, { queue, exposition: shown });
    }
  } catch (error) {
    await close();
    throw error;
  }
  await warnOfOtherServices(queue, store, log);
  if (access.keys === 'required') await warnWithoutKeys(queue, log);
  const address = app.server.address() as AddressInfo;
  return {
    url: `http://${address.family === 'IPv6' ? `[${host}]` : host}:${address.port}`,
    metricsPort: metrics?.port,
    close,
  };
}

/**
 * Refuses a Redis that can lose jobs. One that cannot be reached cannot be checked: the API starts and waits for it, as it
 * does when Redis fails later.
 */
async function refuseVolatile(queue: DistilleryQueue, log: Logger): Promise<void> {
  const unreachable = await queue.ping().then(
    () => false,
    () => true,
  );
  if (unreachable) return log.warn('Redis cannot be reached, so its durability was not checked');
  try {
    await queue.checkDurability();
  } catch (error) {
    await queue.close();
    throw error;
  }
}

/** Warns when the jobs of this Redis are not the only ones that use the store. */
async function warnOfOtherServices(queue: DistilleryQueue, store: Store, log: Logger): Promise<void> {
  // Redis or the store may be away; both are asked again when artifacts are to be removed.
  const others = await otherServices(queue, store).catch(() => []);
  if (others.length === 0) return;
  log.warn(
    `the store was used by ${others.length} other services, or Redis has lost its data: no artifacts are removed; ` +
      'when no other service needs the store, adopt it with: distill sweep --remove --force',
  );
}

/** Warns when no key exists: every request is refused until one is created, which needs access to Redis. */
async function warnWithoutKeys(queue: DistilleryQueue, log: Logger): Promise<void> {
  const keys = await queue.apiKeys.list().catch(() => undefined);
  if (keys === undefined || keys.some(({ revokedAt }) => revokedAt === null)) return;
  log.warn('there is no API key yet; create one with: distill keys create --name NAME --scope admin');
}
