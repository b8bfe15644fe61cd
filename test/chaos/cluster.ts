import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type PrivateRedis, startPrivateRedis } from '@distillery/queue';
import { type Found, findProcesses, findTrainers, type Managed, manage, markName } from './processes.ts';
import { startTcpProxy, type TcpProxy } from '../testing/tcp-proxy.ts';
import type { StorePlace } from './store-place.ts';

/** The whole service as separate processes, each of which reaches Redis through a separate proxy. */
export interface Cluster {
  url: string;
  /** Redis without a proxy, for the checks. */
  redisUrl: string;
  place: StorePlace;
  /** The names of stored files that faults have damaged or removed. */
  damaged: Set<string>;
  /** The folder for temporary files of every process. */
  tmpDir: string;
  api: Managed;
  workers: Managed[];
  /** The proxies of the API and of each worker, in this order. */
  networks: { name: string; proxy: TcpProxy }[];
  redis: {
    signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
    /** Kills Redis, and after `downMs` starts it again with the same port and files. */
    crash(downMs: number): Promise<void>;
  };
  trainers(): Found[];
  /** Stops workers and API with SIGTERM and returns what had to be killed. Redis keeps running. */
  stop(): Promise<string[]>;
  close(): Promise<void>;
}

/**
 * @param options.built the folder of the compiled code
 * @param options.openPlace makes the place of the store; processes that are started after it inherit the mark
 * @param options.apart whether every process has a data folder of its own, as on a machine of its own
 */
export async function startCluster(
  folder: string,
  options: { built: string; workers: number; openPlace: () => Promise<StorePlace>; apart: boolean },
): Promise<Cluster> {
  const { built, workers: workerCount, openPlace, apart } = options;
  const apps = join(built, 'apps');
  const [logs, tmpDir, dataDir, redisDir] = ['logs', 'tmp', 'data', 'redis'].map((name) =>
    join(folder, name),
  );
  for (const path of [logs, tmpDir, dataDir]) await mkdir(path, { recursive: true });
  const mark = folder;
  // Every process that is started from now on, including Redis, inherits the mark.
  process.env[markName] = mark;
  const place = await openPlace();
  const redisPort = await freePort();
  let server: PrivateRedis = await startPrivateRedis({ dir: redisDir, port: redisPort });
  let restarting: Promise<void> | undefined;

  const proxies = await Promise.all(Array.from({ length: workerCount + 1 }, () => startTcpProxy(redisPort)));
  const environment = (name: string, proxy: TcpProxy) => {
    const ownData = apart ? join(dataDir, name) : dataDir;
    return {
      REDIS_URL: server.url.replace(`:${redisPort}`, `:${proxy.port}`),
      STORE: place.urlFor(ownData),
      DATA_DIR: ownData,
      TMPDIR: tmpDir,
      LOCK_SECONDS: '4',
      STALL_SECONDS: '10',
      TF_NUM_INTRAOP_THREADS: '1',
      TF_CPP_MIN_LOG_LEVEL: '2',
      LOG_LEVEL: 'info',
    };
  };
  const port = await freePort();
  const api = manage('api', {
    script: join(apps, 'api/source/main.js'),
    env: { ...environment('api', proxies[0]), PORT: String(port) },
    log: join(logs, 'api.log'),
  });
  const workers = proxies.slice(1).map((proxy, index) =>
    manage(`worker-${index + 1}`, {
      script: join(apps, 'worker/source/main.js'),
      env: environment(`worker-${index + 1}`, proxy),
      log: join(logs, `worker-${index + 1}.log`),
    }),
  );

  return {
    url: `http://127.0.0.1:${port}`,
    redisUrl: server.url,
    place,
    damaged: new Set(),
    tmpDir,
    api,
    workers,
    networks: proxies.map((proxy, index) => ({ name: index === 0 ? 'api' : `worker-${index}`, proxy })),
    redis: {
      signal(signal) {
        // While Redis restarts, there is no process.
        if (restarting === undefined) process.kill(server.pid, signal);
      },
      async crash(downMs) {
        restarting ??= (async () => {
          process.kill(server.pid, 'SIGKILL');
          await server.stop();
          await delay(downMs);
          server = await startPrivateRedis({ dir: redisDir, port: redisPort });
        })().finally(() => {
          restarting = undefined;
        });
        await restarting;
      },
    },
    trainers: () => findTrainers(mark),
    async stop() {
      await restarting;
      const left: string[] = [];
      await Promise.all(
        [api, ...workers].map(async (managed) => {
          if (!(await managed.stop(40_000))) left.push(`${managed.name} did not end within 40 s of SIGTERM`);
        }),
      );
      // A trainer notices the end of its supervisor after a moment.
      const others = () => findProcesses(mark).filter(({ command }) => !/redis|valkey|^sh /.test(command));
      for (let tries = 0; tries < 50 && others().length > 0; tries++) await delay(200);
      for (const { pid, command } of others()) {
        left.push(`process ${pid} still ran: ${command}`);
        process.kill(pid, 'SIGKILL');
      }
      return left;
    },
    async close() {
      await restarting?.catch(() => {});
      await Promise.all([api, ...workers].map((managed) => managed.stop(5000)));
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await server.stop();
      delete process.env[markName];
    },
  };
}

/**
 * Returns a port that stays free while no process listens on it. Systems use ports from 32768 for outgoing connections, and
 * a client that connects there again and again may even connect to itself.
 */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const probe = createServer();
    const free = await new Promise<boolean>((found) => {
      probe.once('error', () => found(false));
      probe.listen(port, '127.0.0.1', () => found(true));
    });
    probe.close();
    if (free) return port;
  }
}
