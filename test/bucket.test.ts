import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { png, zipFile } from '@distillery/datasets/testing';
import type { JobSpecInput, JobView, Report } from '@distillery/spec';
import { sweepStore } from '@distillery/api';
import { sha256 } from '@distillery/spec';
import { type S3TestServer, startS3Server } from '@distillery/store/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { weightsOf } from './chaos/reference.ts';
import { type Service, startService } from './testing/service.ts';

// Workers that share nothing with the API and with each other but Redis and a bucket.

let server: S3TestServer;
let folder: string;
const started: ChildProcess[] = [];
const services: Service[] = [];

beforeAll(async () => {
  server = await startS3Server();
  folder = await mkdtemp(join(tmpdir(), 'distillery-bucket-'));
});
afterAll(async () => {
  for (const child of started) child.kill('SIGKILL');
  for (const service of services) await service.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

/** Starts a worker as a process with a data folder of its own. */
function startWorkerAt(service: Service, store: string, name: string): ChildProcess {
  const child = spawn(process.execPath, [join(inject('built'), 'apps/worker/source/main.js')], {
    stdio: ['ignore', 'ignore', 'inherit'],
    cwd: folder,
    env: {
      ...process.env,
      REDIS_URL: service.redisUrl,
      STORE: store,
      DATA_DIR: join(folder, name),
      LOCK_SECONDS: '4',
      TF_NUM_INTRAOP_THREADS: '1',
    },
  });
  started.push(child);
  return child;
}

async function images(): Promise<Blob> {
  const entries: Record<string, Buffer> = {};
  for (let i = 0; i < 60; i++) {
    entries[`train/warm/${i}.png`] = await png(255 - i, i, i, 8, 8);
    entries[`train/cold/${i}.png`] = await png(i, i, 255 - i, 8, 8);
  }
  for (let i = 0; i < 8; i++) {
    entries[`test/warm/${i}.png`] = await png(250 - i, i + 1, i, 8, 8);
    entries[`test/cold/${i}.png`] = await png(i, i + 1, 250 - i, 8, 8);
  }
  return new Blob([new Uint8Array(zipFile(entries))]);
}

const specOn = (id: string): JobSpecInput => ({
  dataset: { source: 'uploaded', id },
  teacher: { architecture: { type: 'mlp', hidden: [64] }, training: { epochs: 400 } },
  students: [
    {
      name: 'soft',
      architecture: { type: 'mlp', hidden: [8] },
      method: [{ type: 'soft_target' }, { type: 'cross_entropy' }],
    },
  ],
  seeds: [1],
  training: { epochs: 3, batchSize: 16 },
  checkpoints: { everySeconds: 1 },
  validation: 0,
});

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + 120_000; Date.now() < end; await delay(50)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error('the condition was not met in time');
}

/** Trains on uploaded images; `meanwhile` acts while the teacher is trained. */
async function trained(
  service: Service,
  meanwhile: (id: string) => Promise<void>,
): Promise<{ job: JobView; report: Report }> {
  const { id: data } = await service.client.datasets.add(await images(), {}, { name: 'pets.zip' });
  const { id } = await service.client.jobs.create(specOn(data));
  await meanwhile(id);
  const job = await until(async () => {
    const view = await service.client.jobs.get(id);
    return ['succeeded', 'failed', 'cancelled'].includes(view.state) ? view : undefined;
  });
  expect(job).toMatchObject({ state: 'succeeded' });
  return { job, report: await service.client.jobs.report(id) };
}

test('a job is trained by workers that share nothing else, one of which is killed, to the same bytes', {
  timeout: 300_000,
}, async () => {
  const storeUrl = server.storeUrl();
  const service = await startService({
    workers: 0,
    storeUrl: `${storeUrl}&downloads=bucket&cache=${join(folder, 'api')}`,
  });
  services.push(service);
  const first = startWorkerAt(service, storeUrl, 'one');
  const interrupted = await trained(service, async (id) => {
    await until(async () => {
      const [{ progress }] = (await service.client.jobs.get(id)).stages;
      return progress !== null && progress.epoch >= 40 ? progress : undefined;
    });
    first.kill('SIGKILL');
    await once(first, 'exit');
    startWorkerAt(service, storeUrl, 'two');
  });
  const [teacher] = interrupted.job.stages;
  expect(teacher.attempt).toBe(2);
  // The second worker went on from the checkpoint of the first.
  const { metrics } = await service.client.jobs
    .metrics(interrupted.job.id, { stage: 'teacher', limit: 10_000 })
    .page();
  expect(metrics.find(({ attempt }) => attempt === 2)?.epoch).toBeGreaterThan(20);

  const plain = await startService({ workers: 0 });
  services.push(plain);
  startWorkerAt(plain, join(plain.folder, 'store'), 'three');
  const undisturbed = await trained(plain, async () => {});
  expect(weightsOf(interrupted.report)).toEqual(weightsOf(undisturbed.report));

  const [{ best }] = interrupted.report.students.find(({ name }) => name === 'soft')!.runs;
  const file = await fetch(`${service.url}/v1/jobs/${interrupted.job.id}/students/soft/weights`);
  expect(sha256(new Uint8Array(await file.arrayBuffer()))).toBe(best.weights.digest);

  // The API sends people to the bucket, by a URL that is signed, and passes ranges through.
  const address = `${service.url}/v1/jobs/${interrupted.job.id}/students/soft/weights`;
  const answer = await fetch(address, { redirect: 'manual' });
  expect(answer.status).toBe(302);
  const { searchParams } = new URL(answer.headers.get('location') ?? '');
  expect(searchParams.get('X-Amz-Expires')).toBe('300');
  expect(searchParams.get('response-content-disposition')).toMatch(
    /^attachment; filename="[\w.-]+\.safetensors"$/,
  );
  expect((await fetch(address, { headers: { range: 'bytes=0-9' } })).status).toBe(206);

  // Teacher outputs were fetched to the machine that read them, and what the job needed is removed with it.
  expect(await readdir(join(folder, 'two', 'store', 'copies'))).not.toEqual([]);
  await service.client.jobs.delete(interrupted.job.id);
  for (const { id } of await service.client.datasets.list()) await service.client.datasets.delete(id);
  await sweepStore(service.queue, service.store, {
    before: new Date(Date.now() + 60_000),
    remove: true,
    force: true,
  });
  const keys = await server.keys(storeUrl);
  // The upload itself is kept until it expires, and the identity of the service stays.
  expect(keys.filter((key) => key.startsWith('blobs/'))).toHaveLength(1);
  expect(keys.filter((key) => /^manifests\/(?!uploads\/|service\/)/.test(key))).toEqual([]);
});
