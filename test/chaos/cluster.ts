import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type PrivateRedis, startPrivateRedis } from '@distillery/queue';
import { type Found, findProcesses, findTrainers, type Managed, manage, markName } from './processes.ts';
import { startTcpProxy, type TcpProxy } from '../testing/tcp-proxy.ts';
import { mountSmallDisk, type SmallDisk } from './small-disk.ts';

const apps = resolve(import.meta.dirname, '../../apps');
/** Of the disk that is filled now and then. */
const diskMegabytes = 256;

/** The whole service as processes of their own, each behind a network of its own. */
export interface Cluster {
  url: string;
  /** Past every proxy: for those who look on. */
  redisUrl: string;
  storeDir: string;
  /** Where every process is told to put its temporary files. */
  tmpDir: string;
  api: Managed;
  workers: Managed[];
  /** Of the API, then of each worker. */
  networks: { name: string; proxy: TcpProxy }[];
  redis: {
    signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
    /** SIGKILL, and after `downMs` a new one on the same port and files. */
    crash(downMs: number): Promise<void>;
  };
  /** Undefined where none may be mounted. */
  disk: SmallDisk | undefined;
  trainers(): Found[];
  /** Stops workers and API in order; what had to be killed, or was left. Redis goes on. */
  stop(): Promise<string[]>;
  close(): Promise<void>;
}

export async function startCluster(folder: string, workerCount: number): Promise<Cluster> {
  const [logs, tmpDir, dataDir, redisDir] = ['logs', 'tmp', 'data', 'redis'].map((name) =>
    join(folder, name),
  );
  for (const path of [logs, tmpDir, dataDir]) await mkdir(path, { recursive: true });
  const mark = folder;
  // What is started from here on, Redis too, inherits it.
  process.env[markName] = mark;
  const disk = await mountSmallDisk(join(folder, 'store'), diskMegabytes);
  // Not the disk itself: its ballast is none of the store's files.
  const storeDir = join(folder, 'store', 'store');
  const redisPort = await freePort();
  let server: PrivateRedis = await startPrivateRedis({ dir: redisDir, port: redisPort });
  let restarting: Promise<void> | undefined;

  const proxies = await Promise.all(Array.from({ length: workerCount + 1 }, () => startTcpProxy(redisPort)));
  const environment = (proxy: TcpProxy) => ({
    REDIS_URL: `redis://127.0.0.1:${proxy.port}`,
    STORE_DIR: storeDir,
    DATA_DIR: dataDir,
    TMPDIR: tmpDir,
    LOCK_SECONDS: '4',
    STALL_SECONDS: '10',
    TF_NUM_INTRAOP_THREADS: '1',
    TF_CPP_MIN_LOG_LEVEL: '2',
    LOG_LEVEL: 'info',
  });
  const port = await freePort();
  const api = manage('api', {
    script: join(apps, 'api/source/main.ts'),
    env: { ...environment(proxies[0]), PORT: String(port) },
    log: join(logs, 'api.log'),
  });
  const workers = proxies.slice(1).map((proxy, index) =>
    manage(`worker-${index + 1}`, {
      script: join(apps, 'worker/source/main.ts'),
      env: environment(proxy),
      log: join(logs, `worker-${index + 1}.log`),
    }),
  );

  return {
    url: `http://127.0.0.1:${port}`,
    redisUrl: server.url,
    storeDir,
    tmpDir,
    api,
    workers,
    networks: proxies.map((proxy, index) => ({ name: index === 0 ? 'api' : `worker-${index}`, proxy })),
    redis: {
      signal(signal) {
        // Between a crash and the next start there is none.
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
    disk,
    trainers: () => findTrainers(mark),
    async stop() {
      await restarting;
      const left: string[] = [];
      await Promise.all(
        [api, ...workers].map(async (managed) => {
          if (!(await managed.stop(40_000)))
            left.push(`${managed.name} did not leave within 40 s of SIGTERM`);
        }),
      );
      // A trainer whose supervisor was killed may need a moment to find out.
      const others = () => findProcesses(mark).filter(({ command }) => !/redis|valkey|^sh /.test(command));
      for (let tries = 0; tries < 50 && others().length > 0; tries++) await delay(200);
      for (const { pid, command } of others()) {
        left.push(`process ${pid} is left: ${command}`);
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
 * One that stays free while nobody listens: systems take those of outgoing connections from 32768 on, and a client that
 * tries again and again may even meet itself there.
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
