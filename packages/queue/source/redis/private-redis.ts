import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { DistilleryError } from '@distillery/spec';
import { lockFolder } from './folder-lock.ts';

/** The file that keeps the password. */
const configurationName = 'redis.conf';

export interface PrivateRedis {
  /** `redis://:<password>@127.0.0.1:<port>` */
  url: string;
  /** The process id of the server. */
  pid: number;
  /** Stops the server, waits for its end and removes its folder if that was a temporary one. */
  stop(): Promise<void>;
}

/**
 * Starts a Redis (or Valkey) server on a free loopback port. It persists its data and never evicts. It ends with this
 * process, also when that is killed. Only this user can use it: it asks for a password, which is kept in its folder, and
 * only this user can read that folder.
 *
 * @param options.dir the data folder, which is kept; default: a temporary one
 * @param options.port default: a free one
 * @param options.settings settings of redis.conf, which take precedence; an empty `requirepass` asks for no password
 * @throws DistilleryError `state_conflict` when another process runs a server in the folder; `redis_unavailable` when the
 *   server does not start
 */
export async function startPrivateRedis(
  options: { dir?: string; port?: number; settings?: Record<string, string> } = {},
): Promise<PrivateRedis> {
  const dir = resolve(options.dir ?? (await mkdtemp(join(tmpdir(), 'distillery-redis-'))));
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const lock = await lockFolder(dir);
  const tidy = async () => {
    await lock.release();
    if (options.dir === undefined) await rm(dir, { recursive: true, force: true });
  };
  // Another process may take the free port before the server does.
  for (let tries = 1; ; tries++) {
    try {
      await makePrivate(dir);
      const port = options.port ?? (await freePort());
      const { requirepass: password = await passwordIn(dir), ...settings } = options.settings ?? {};
      const configuration = await configured(dir, password);
      const args = [configuration, ...argumentsOf({ ...ourSettings(dir, port), ...settings })];
      const { pid, stop, exited } = await launch(args);
      void exited.then(() => lock.release());
      const url = `redis://${password === '' ? '' : `:${password}@`}127.0.0.1:${port}`;
      await lock.publish({ pid, url });
      return { url, pid, stop: () => stop().then(tidy) };
    } catch (error) {
      if (tries >= 5 || options.port !== undefined || !/already in use/i.test(String(error))) {
        await tidy();
        throw error;
      }
    }
  }
}

/** Takes the rights of other users to a folder and to what is in it, which earlier versions have left readable. */
async function makePrivate(dir: string): Promise<void> {
  await chmod(dir, 0o700);
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) await chmod(join(entry.parentPath, entry.name), 0o600);
  }
}

/** Returns the password that is kept in the folder, which is the same after a restart. */
async function passwordIn(dir: string): Promise<string> {
  const text = await readFile(join(dir, configurationName), 'utf8').catch(() => '');
  return /^requirepass ([0-9a-f]{64})$/m.exec(text)?.[1] ?? randomBytes(32).toString('hex');
}

/** Writes a password into a file for the server: other users can read its command line. Returns the path. */
async function configured(dir: string, password: string): Promise<string> {
  const path = join(dir, configurationName);
  await writeFile(path, password === '' ? '' : `requirepass ${password}\n`, { mode: 0o600 });
  return path;
}

/**
 * Waits on descriptor 3 while the server runs in place of this shell, under its process id. A line there means that all
 * is in order; its end without a line means that our process is gone, even by SIGKILL, and the server is ended too. The
 * server's files belong to this user alone.
 */
const watched = 'umask 077; (read -r _ <&3 || kill -TERM $$) >/dev/null 2>&1 & exec "$@" 3<&-';

function ourSettings(dir: string, port: number): Record<string, string> {
  return {
    port: String(port),
    bind: '127.0.0.1',
    dir,
    save: '',
    appendonly: 'yes',
    // An accepted job is kept even if the power fails the next moment.
    appendfsync: 'always',
    'maxmemory-policy': 'noeviction',
    daemonize: 'no',
  };
}

function argumentsOf(settings: Record<string, string>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
}

/** Starts a server that ends with this process, also when that is killed. @param ready what it writes once it is ready */
export async function launch(args: readonly string[], ready: RegExp = /ready to accept connections/i) {
  const program = findServer();
  const server = spawn('/bin/sh', ['-c', watched, 'sh', program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    // A separate process group: Ctrl-C in a terminal must not end the server before our last write.
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
  const started = new Promise<void>((done) => {
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
  // A large append-only file takes long to load.
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((done) => {
    timer = setTimeout(() => done('late'), 60_000);
  });
  const outcome = await Promise.race([started.then(() => 'ready' as const), exited.then(() => 'gone'), late]);
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
  return { pid: server.pid, stop, exited };
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
    'neither redis-server nor valkey-server is on PATH: install one, or set REDIS_URL to a running Redis',
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
