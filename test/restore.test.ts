import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { collectLeftovers } from '@distillery/api';
import { startPrivateRedis } from '@distillery/queue';
import { type JobSpecInput, type JobView, type ScrubReport, sha256 } from '@distillery/spec';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { weightsOf } from './chaos/reference.ts';
import { type Service, startService } from './testing/service.ts';

// The backup of docs/operations.md, and what it is good for. RESTORE_TIMES=1 prints how long the steps took.

const spec = (name: string, teacherEpochs: number): JobSpecInput => ({
  name,
  dataset: { source: 'shapes', trainCount: 200, testCount: 50 },
  teacher: { architecture: { type: 'mlp', hidden: [32] }, training: { epochs: teacherEpochs } },
  students: [
    {
      name: 'soft',
      architecture: { type: 'mlp', hidden: [8] },
      method: [{ type: 'soft_target' }, { type: 'cross_entropy' }],
    },
  ],
  baseline: false,
  seeds: [1],
  training: { epochs: 2, batchSize: 16 },
  checkpoints: { everySeconds: 1 },
});

let folder: string;
const opened: (() => Promise<void>)[] = [];
const times: Record<string, number> = {};
/** The jobs of the service that is lost: one has finished, one runs, one is queued. */
let ids: string[];
/** The weights with which the first service ended these jobs, after the backup. */
let weights: Record<string, string>[];

async function timed<T>(name: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const done = await work();
  times[name] = Math.round(performance.now() - start) / 1000;
  return done;
}

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + 120_000; Date.now() < end; await delay(50)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error('the condition was not met in time');
}

const ended = ({ client }: Service, id: string): Promise<JobView> =>
  until(async () => {
    const view = await client.jobs.get(id);
    return ['succeeded', 'failed', 'cancelled'].includes(view.state) ? view : undefined;
  });

async function weightsIn(service: Service): Promise<Record<string, string>[]> {
  return await Promise.all(ids.map(async (id) => weightsOf(await service.client.jobs.report(id))));
}

/** Asks a Redis server for a copy of its data, as an operator does. */
async function dump(url: string, file: string): Promise<void> {
  const { hostname, port, password } = new URL(url);
  const env = { ...process.env, REDISCLI_AUTH: decodeURIComponent(password) };
  await promisify(execFile)('redis-cli', ['-h', hostname, '-p', port, '--rdb', file], { env });
}

/** Copies a store: manifests first, so that each copied manifest names blobs that are there. */
async function copyStore(from: string, to: string): Promise<void> {
  for (const part of ['manifests', 'blobs']) {
    // A trainer may replace a checkpoint meanwhile, which a copy by rsync tolerates, too.
    for (let tries = 0; ; tries++) {
      try {
        await cp(join(from, part), join(to, part), { recursive: true, preserveTimestamps: true });
        break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries > 20) throw error;
      }
    }
  }
}

/** Starts a service with a Redis that begins with a dump, and a store. */
async function restored(name: string, store: string, workers = 1): Promise<Service> {
  const dir = join(folder, `redis-${name}`);
  await mkdir(dir);
  await cp(join(folder, 'dump.rdb'), join(dir, 'dump.rdb'));
  // With an append-only file Redis does not read a dump, so the first start is without one.
  const first = await startPrivateRedis({ dir, settings: { appendonly: 'no' } });
  const { hostname, port, password } = new URL(first.url);
  const ask = async (...words: string[]) =>
    (
      await promisify(execFile)('redis-cli', ['-h', hostname, '-p', port, ...words], {
        env: { ...process.env, REDISCLI_AUTH: password },
      })
    ).stdout;
  await ask('CONFIG', 'SET', 'appendonly', 'yes');
  await until(async () => {
    const info = await ask('INFO', 'persistence');
    const done = /aof_enabled:1/.test(info) && /aof_rewrite_in_progress:0/.test(info);
    return done && /aof_rewrite_scheduled:0/.test(info) ? true : undefined;
  });
  await first.stop();
  const redis = await startPrivateRedis({ dir });
  const service = await startService({
    workers,
    lockSeconds: 4,
    redisUrl: redis.url,
    storeUrl: pathToFileURL(store).href,
  });
  opened.push(async () => {
    await service.close();
    await redis.stop();
  });
  return service;
}

async function verify({ client }: Service): Promise<ScrubReport> {
  let report = await client.store.scrub({ content: false });
  while (report.state === 'running') report = await client.store.scrubReport();
  expect(report).toMatchObject({ state: 'done', content: false });
  return report;
}

/** Runs `distill verify`, and returns its exit code and what it prints. */
async function distillVerify({ url }: Service): Promise<{ code: number; stdout: string }> {
  const program = join(inject('built'), 'apps/cli/source/main.js');
  return await promisify(execFile)(process.execPath, [program, 'verify', '--url', url]).then(
    ({ stdout }) => ({ code: 0, stdout }),
    ({ code, stdout }: { code: number; stdout: string }) => ({ code, stdout }),
  );
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-restore-'));
  const service = await startService({ lockSeconds: 4 });
  const from = join(service.folder, 'store');
  try {
    const { client } = service;
    const finished = await client.jobs.create(spec('finished', 2));
    await ended(service, finished.id);
    const running = await client.jobs.create(spec('running', 500));
    await until(async () => {
      const [{ progress }] = (await client.jobs.get(running.id)).stages;
      return progress !== null && progress.epoch >= 40 ? true : undefined;
    });
    const queued = await client.jobs.create(spec('queued', 3));
    ids = [finished, running, queued].map(({ id }) => id);

    await timed('backup', async () => {
      await client.store.hold({ hours: 1 });
      await dump(service.redisUrl, join(folder, 'dump.rdb'));
      await copyStore(from, join(folder, 'copy'));
      await client.store.release();
    });
    const states = await Promise.all(ids.map(async (id) => (await client.jobs.get(id)).state));
    if (states.join(' ') !== 'succeeded running queued')
      throw new Error(`after the backup: ${states.join(' ')}`);
    for (const id of ids) await ended(service, id);
    weights = await weightsIn(service);
  } finally {
    // Redis and the store are gone with it.
    await service.close();
  }
}, 240_000);
afterAll(async () => {
  for (const close of opened) await close();
  await rm(folder, { recursive: true, force: true });
  if (process.env.RESTORE_TIMES !== undefined) console.log(times);
}, 60_000);

test('a service that was lost is started again from its backup, and every job ends with the same bytes', {
  timeout: 240_000,
}, async () => {
  const store = join(folder, 'restored');
  const service = await timed('restore', async () => {
    await cp(join(folder, 'copy'), store, { recursive: true, preserveTimestamps: true });
    return await restored('same', store);
  });
  const listed = await service.client.jobs.list().page();
  expect(listed.jobs.map(({ id }) => id).sort()).toEqual([...ids].sort());
  expect(await service.client.jobs.get(ids[0])).toMatchObject({ state: 'succeeded' });
  expect(await verify(service)).toMatchObject({ missing: 0, damaged: 0, services: 0, newStore: false });
  expect(await distillVerify(service)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('3 jobs were read'),
  });

  const { attempt } = await timed('first stage', () =>
    until(async () => {
      const [teacher] = (await service.client.jobs.get(ids[1])).stages;
      return teacher.attempt > 1 && (teacher.progress?.epoch ?? 0) > 0 ? teacher : undefined;
    }),
  );
  // It goes on from a checkpoint, or begins again where its trainer replaced those of the copy meanwhile.
  expect(attempt).toBe(2);
  for (const id of ids) expect(await ended(service, id)).toMatchObject({ state: 'succeeded' });
  expect(await weightsIn(service)).toEqual(weights);
  const file = await fetch(`${service.url}/v1/jobs/${ids[0]}/students/soft/weights`);
  expect(sha256(new Uint8Array(await file.arrayBuffer()))).toBe(weights[0]['soft 1 best']);
  expect(await verify(service)).toMatchObject({ missing: 0, damaged: 0, services: 0 });
});

test('with a store from before the jobs, what is missing is told and made again', {
  timeout: 240_000,
}, async () => {
  const store = join(folder, 'older');
  await cp(join(folder, 'copy', 'manifests', 'service'), join(store, 'manifests', 'service'), {
    recursive: true,
    preserveTimestamps: true,
  });
  const service = await restored('older', store);
  const report = await verify(service);
  expect(report.missing).toBeGreaterThan(0);
  expect(report).toMatchObject({ jobs: 3, services: 0, newStore: false });
  expect(await distillVerify(service)).toMatchObject({
    code: 1,
    stdout: expect.stringContaining(`distill retry ${ids[0]}`),
  });
  // The stages that run do without what is missing; a job that has succeeded makes it again when it is asked to.
  for (const id of ids.slice(1)) expect(await ended(service, id)).toMatchObject({ state: 'succeeded' });
  await service.client.jobs.retry(ids[0]);
  expect(await ended(service, ids[0])).toMatchObject({ state: 'succeeded' });
  expect(await weightsIn(service)).toEqual(weights);
  expect(await verify(service)).toMatchObject({ missing: 0, damaged: 0 });
});

test('with the store of another service, verify says so and nothing is collected', {
  timeout: 120_000,
}, async () => {
  const store = join(folder, 'foreign');
  const other = await startService({ workers: 1, storeUrl: pathToFileURL(store).href });
  await other.complete(spec('foreign', 5));
  await other.close();
  const service = await restored('foreign', store, 0);
  const blobs = async () => (await readdir(join(store, 'blobs'), { recursive: true })).length;
  const before = await blobs();
  const report = await verify(service);
  expect(report).toMatchObject({ services: 1, newStore: true });
  expect(report.missing).toBeGreaterThan(0);
  expect(await distillVerify(service)).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('1 other service has used the store'),
  });
  await service.client.jobs.delete(ids[0]);
  expect(await collectLeftovers(service.queue, service.store, { marginMs: -3_600_000 })).toEqual({
    blobs: 0,
    bytes: 0,
  });
  expect(await blobs()).toBe(before);
});
