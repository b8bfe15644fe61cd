import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { createClient } from '@distillery/client';
import { type PrivateRedis, startPrivateRedis } from '@distillery/queue';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';

// Runs API and worker like the containers of docker-compose.yml: as a user without files, on a file system that is
// read-only except for three folders. Only root can set this up.

const root = resolve(import.meta.dirname, '..');
const nobody = 65_534;
const asNobody = [
  'setpriv',
  `--reuid=${nobody}`,
  `--regid=${nobody}`,
  '--clear-groups',
  '--no-new-privs',
] as const;

let redis: PrivateRedis;
let folder: string;
let children: ChildProcess[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-read-only-'));
  children = [];
  redis = await startPrivateRedis();
});
afterEach(async () => {
  await Promise.all(
    children.map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
    }),
  );
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
});

function possible(): boolean {
  try {
    const [program, ...args] = asNobody;
    execFileSync('unshare', ['-m', program, ...args, 'test', '-r', join(root, 'package.json')]);
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
}

/** A file system where only the service's folder is writable. */
const confine = `set -e
mount --make-rprivate /
for place in "$1" "$2"; do mount --bind "$place" "$place"; done
mount -o remount,ro,bind /
mount -o remount,ro,bind "$2"
cd "$2"
shift 2
exec "$@"`;

/** Starts a program in this environment; resolves when a line of its log matches. */
async function start(app: string, env: Record<string, string>, ready: RegExp): Promise<string> {
  const command = [...asNobody, process.execPath, `${inject('built')}/apps/${app}/source/main.js`];
  const child = spawn('unshare', ['-m', 'sh', '-c', confine, 'sh', folder, root, ...command], {
    env: { PATH: process.env.PATH, HOME: '/nonexistent', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const lines: string[] = [];
  return await new Promise((done, fail) => {
    createInterface(child.stdout).on('line', (line) => {
      lines.push(line);
      const match = ready.exec(line);
      if (match !== null) done(match[1] ?? '');
    });
    child.once('exit', () => fail(new Error(`${app} ended: ${lines.join('\n')}`)));
  });
}

test('a job succeeds when the user nobody can write only to the store, the data and a temporary folder', {
  timeout: 300_000,
}, async ({ skip }) => {
  if (!possible())
    skip('this user may not make a read-only file system of its own, or nobody may not read the code');
  const [STORE_DIR, DATA_DIR, TMPDIR] = ['store', 'data', 'tmp'].map((name) => join(folder, name));
  await chown(folder, nobody, nobody);
  for (const place of [STORE_DIR, DATA_DIR, TMPDIR]) {
    await mkdir(place);
    await chown(place, nobody, nobody);
  }
  const env = { REDIS_URL: redis.url, STORE_DIR, DATA_DIR, TMPDIR, PORT: '0' };
  const url = await start('api', env, /listening at (http:\S+?)"/);
  await start('worker', env, /"engine: (\w+)/);
  const client = createClient(url);
  const { id } = await client.jobs.create({
    dataset: { source: 'shapes', trainCount: 60, testCount: 20 },
    teacher: { architecture: { type: 'mlp', hidden: [8] } },
    students: [{ name: 's', architecture: { type: 'mlp', hidden: [4] }, method: [{ type: 'soft_target' }] }],
    baseline: false,
    training: { epochs: 1 },
  });
  let state = '';
  for await (const view of client.jobs.watch(id)) ({ state } = view);
  expect(state).toBe('succeeded');
  expect((await (await client.jobs.download(id)).bytes()).length).toBeGreaterThan(1000);
});
