import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { DistilleryError } from '@distillery/spec';

export interface PrivateRedis {
  /** `redis://127.0.0.1:<port>` */
  url: string;
  /** Of the server itself. */
  pid: number;
  /** Stops the server and waits until it is gone; a folder of its own is removed. */
  stop(): Promise<void>;
}

/**
 * Starts a Redis (or Valkey) server of our own on a free loopback port; it persists what it holds and never
 * evicts. It ends with us, however we end.
 *
 * @param options.dir its data folder, kept; a temporary one, removed, when not given
 * @param options.port a free one when not given
 * @param options.settings of redis.conf, before ours
 */
export async function startPrivateRedis(
  options: { dir?: string; port?: number; settings?: Record<string, string> } = {},
): Promise<PrivateRedis> {
  const dir = resolve(options.dir ?? (await mkdtemp(join(tmpdir(), 'distillery-redis-'))));
  await mkdir(dir, { recursive: true });
  const removeDir = async () => {
    if (options.dir === undefined) await rm(dir, { recursive: true, force: true });
  };
  // Between our finding a free port and the server's taking it another process may take it.
  for (let tries = 1; ; tries++) {
    const port = options.port ?? (await freePort());
    try {
      const { pid, stop } = await launch(argumentsOf({ ...ourSettings(dir, port), ...options.settings }));
      return { url: `redis://127.0.0.1:${port}`, pid, stop: () => stop().then(removeDir) };
    } catch (error) {
      if (tries >= 5 || options.port !== undefined || !/already in use/i.test(String(error))) {
        await removeDir();
        throw error;
      }
    }
  }
}

/**
 * Waits on descriptor 3 while the server, which takes this shell's place and process id, runs. A line there means
 * that all is in order; its end without one means that our process is gone, even by SIGKILL, and the server goes too.
 */
const watched = '(read -r _ <&3 || kill -TERM $$) >/dev/null 2>&1 & exec "$@" 3<&-';

function ourSettings(dir: string, port: number): Record<string, string> {
  return {
    port: String(port),
    bind: '127.0.0.1',
    dir,
    save: '',
    appendonly: 'yes',
    // A job that was answered with 202 stands, whatever is cut off the next moment.
    appendfsync: 'always',
    'maxmemory-policy': 'noeviction',
    daemonize: 'no',
  };
}

function argumentsOf(settings: Record<string, string>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
}

/** Starts a server that ends with us, however we end; `ready` is what it writes once it is. */
export async function launch(args: readonly string[], ready: RegExp = /ready to accept connections/i) {
  const program = findServer();
  const server = spawn('/bin/sh', ['-c', watched, 'sh', program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    // A group of its own: Ctrl-C in a terminal must not take the server away before we have written our last.
    detached: true,
  });
  const exited = once(server, 'exit');
  const watch = server.stdio[3] as Writable;
  watch.on('error', () => {});
  exited.then(
    () => watch.end('done\n'),
    () => watch.destroy(),
  );

  let output = '';
  const heard = new Promise<void>((done) => {
    const read = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-4000);
      if (ready.test(output)) done();
    };
    server.stdout?.on('data', read);
    server.stderr?.on('data', read);
  });
  const stop = async () => {
    if (server.exitCode === null && server.signalCode === null) {
      server.kill('SIGTERM');
      const kill = setTimeout(() => server.kill('SIGKILL'), 5000);
      await exited;
      clearTimeout(kill);
    }
  };
  // A large append-only file takes its time to load.
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((done) => {
    timer = setTimeout(() => done('late'), 60_000);
  });
  const outcome = await Promise.race([heard.then(() => 'ready' as const), exited.then(() => 'gone'), late]);
  clearTimeout(timer);
  if (outcome !== 'ready' || server.pid === undefined) {
    await stop();
    throw new DistilleryError(
      'redis_unavailable',
      `${program} did not start with ${args.join(' ')}: ${output.trim()}`,
    );
  }
  // It must not keep our process alive.
  server.unref();
  for (const stream of [server.stdout, server.stderr, watch]) (stream as { unref?(): void }).unref?.();
  return { pid: server.pid, stop };
}

function findServer(): string {
  for (const name of ['redis-server', 'valkey-server']) {
    for (const folder of (process.env.PATH ?? '').split(delimiter)) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        // not in this folder
      }
    }
  }
  throw new DistilleryError(
    'redis_unavailable',
    'neither redis-server nor valkey-server is on PATH: install one, or set REDIS_URL to a Redis that runs',
  );
}

export async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}
