import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { createClient } from '@distillery/client';
import { type PrivateRedis, startPrivateRedis } from '@distillery/queue';
import { type S3TestServer, startS3Server } from '@distillery/store/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

// Builds the image of the API and the workers with buildah, without a Docker engine, and runs it: as the image's user, on a read-only root,
// against a Redis and a bucket. `npm run test:images`, as root.

const root = resolve(import.meta.dirname, '../..');
const image = 'distillery';
/** The base of the Dockerfile. */
const [, base, major] = /ARG NODE_IMAGE=(\S*?node:(\d+)\S*)/.exec(
  execFileSync('cat', [join(root, 'Dockerfile')], { encoding: 'utf8' }),
) as unknown as [string, string, string];
const environment = { ...process.env, STORAGE_DRIVER: 'vfs', BUILDAH_ISOLATION: 'chroot' };

async function buildah(...args: string[]): Promise<string> {
  const options = { env: environment, maxBuffer: 2 ** 26, cwd: root };
  return (await promisify(execFile)('buildah', args, options)).stdout.trim();
}

/** Folders of this machine in which pip looks for packages: the build, which downloads TensorFlow, looks there too. */
async function packageFolders(): Promise<string[]> {
  const { stdout } = await promisify(execFile)('pip', ['config', 'list']).catch(() => ({ stdout: '' }));
  const indexes = [...stdout.matchAll(/file:\/\/(\/\S+)\/simple/g)].map(([, path]) => path);
  const links = [...stdout.matchAll(/find-links='(\/\S+)'/g)].map(([, path]) => path);
  return [...indexes, ...links];
}

let redis: PrivateRedis;
let bucket: S3TestServer;
let folder: string;
let container: string;
let rootfs: string;
const children: ChildProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-images-'));
  const name = `docker.io/library/${base}`;
  const there = await buildah('images', '--quiet', name).catch(() => '');
  if (there === '') {
    // A registry first, as anybody else would; then from packages.
    const pulled = await buildah('pull', name).catch(() => undefined);
    if (pulled === undefined) {
      await promisify(execFile)(join(import.meta.dirname, 'base.sh'), [name, major], { env: environment });
    }
  }
  const started = performance.now();
  const volumes = (await packageFolders()).flatMap((path) => ['--volume', `${path}:${path}:ro`]);
  await buildah(
    'build',
    ...volumes,
    '--layers',
    '--pull-never',
    '--network',
    'host',
    '--tag',
    image,
    '--file',
    'Dockerfile',
    '.',
  );
  console.log(`built in ${((performance.now() - started) / 1000).toFixed(0)} s`);
  redis = await startPrivateRedis();
  bucket = await startS3Server();
  container = await buildah('from', '--pull-never', image);
  rootfs = await buildah('mount', container);
});

afterAll(async () => {
  for (const child of children) if (child.exitCode === null) child.kill('SIGKILL');
  if (container !== undefined) await buildah('rm', container);
  await bucket?.close();
  await redis?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Runs in namespaces of its own: the image as a read-only root, with the folders that a container has as volumes. */
const confine = `set -e
mount --make-rprivate /
mount --bind "$1" "$1" && mount -o remount,ro,bind "$1"
mount --bind "$2/tmp" "$1/tmp"
mount --bind "$2/data" "$1/var/lib/distillery/data"
mount -t proc proc "$1/proc"
mount --bind /dev "$1/dev"
cd "$1"
shift 2
exec chroot --userspec=1000:1000 . sh -c 'cd /app && exec "$@"' sh "$@"`;

interface Started {
  child: ChildProcess;
  found: string;
}

/** Starts a command of the image; resolves when a line of its log matches. */
async function start(
  name: string,
  command: string[],
  env: Record<string, string>,
  ready: RegExp,
): Promise<Started> {
  const place = join(folder, name);
  for (const path of [place, join(place, 'tmp'), join(place, 'data')]) {
    await mkdir(path, { recursive: true });
    await chown(path, 1000, 1000);
  }
  const config = JSON.parse(await buildah('inspect', '--type', 'image', image)) as {
    OCIv1: { config: { Env: string[] } };
  };
  const ofImage = Object.fromEntries(config.OCIv1.config.Env.map((line) => line.split(/=(.*)/s).slice(0, 2)));
  const child = spawn(
    'unshare',
    [
      '--mount',
      '--pid',
      '--fork',
      '--kill-child=SIGTERM',
      'sh',
      '-c',
      confine,
      'sh',
      rootfs,
      place,
      ...command,
    ],
    {
      env: { ...ofImage, HOME: '/tmp', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    },
  );
  children.push(child);
  const lines: string[] = [];
  const found = await new Promise<string>((done, fail) => {
    createInterface(child.stdout as NodeJS.ReadableStream).on('line', (line) => {
      lines.push(line);
      const match = ready.exec(line);
      if (match !== null) done(match[1] ?? '');
    });
    child.once('exit', () => fail(new Error(`${name} ended: ${lines.join('\n')}`)));
  });
  return { child, found };
}

/** Sends SIGTERM to a started program itself, as a container engine does, and returns its exit code. */
async function stop({ child }: Started): Promise<number | null> {
  const gone = once(child, 'exit');
  const [inner] = (await promisify(execFile)('pgrep', ['-P', String(child.pid)])).stdout.trim().split('\n');
  process.kill(Number(inner), 'SIGTERM');
  const [code] = await gone;
  return code as number | null;
}

test('the API and a worker run from the image, train a job and end by SIGTERM', async () => {
  const storeUrl = bucket.storeUrl();
  const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = process.env;
  const env = {
    REDIS_URL: redis.url,
    STORE: storeUrl,
    AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY,
    API_KEYS: 'off',
    HOST: '127.0.0.1',
    PORT: '0',
    GRACE_SECONDS: '20',
  };
  const api = await start('api', ['node', 'apps/api/source/main.js'], env, /listening at (http:\S+?)"/);
  const worker = await start('worker', ['node', 'apps/worker/source/main.js'], env, /"engine: ([^"]+)"/);
  expect(worker.found).toContain('tensorflow');
  const client = createClient(api.found);
  const { id } = await client.jobs.create({
    dataset: { source: 'shapes', trainCount: 200, testCount: 50 },
    teacher: { architecture: { type: 'lightnn' } },
    students: [{ name: 's', architecture: { type: 'lightnn' }, method: [{ type: 'soft_target' }] }],
    training: { epochs: 1 },
  });
  let last: { state: string } | undefined;
  for await (const view of client.jobs.watch(id)) last = view;
  expect(last).toMatchObject({ state: 'succeeded' });
  expect((await (await client.jobs.download(id)).bytes()).length).toBeGreaterThan(1000);
  // The dashboard is in the image.
  expect((await fetch(api.found)).headers.get('content-type')).toContain('text/html');
  expect([await stop(worker), await stop(api)]).toEqual([0, 0]);
});

test('the image names what it consists of, and holds no tools to build with', async () => {
  const sbom = JSON.parse(
    execFileSync('cat', [join(rootfs, 'app/sbom.spdx.json')], { encoding: 'utf8', maxBuffer: 2 ** 26 }),
  ) as {
    spdxVersion: string;
    packages: { name: string }[];
  };
  expect(sbom.spdxVersion).toMatch(/^SPDX-2/);
  const names = sbom.packages.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['fastify', 'bullmq', '@tensorflow/tfjs']));
  expect(names).not.toContain('vitest');
  for (const tool of ['g++', 'gcc', 'pip3', 'python3']) {
    expect(existsSync(join(rootfs, 'usr/bin', tool)), tool).toBe(false);
  }
  const bytes = Number(execFileSync('du', ['-sb', rootfs], { encoding: 'utf8' }).split('\t')[0]);
  const node = Number(
    execFileSync('du', ['-sb', join(rootfs, 'app'), join(rootfs, 'opt')], { encoding: 'utf8' }).split(
      '\t',
    )[0],
  );
  console.log(`${(bytes / 2 ** 20).toFixed(0)} MiB, of which /app has ${(node / 2 ** 20).toFixed(0)}`);
});
