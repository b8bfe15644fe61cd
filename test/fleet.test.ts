import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { engine } from '@distillery/queue/testing';
import type { JobSpecInput } from '@distillery/spec';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type Service, startService } from './testing/service.ts';

let service: Service;
let folder: string;
const started: ChildProcess[] = [];

beforeAll(async () => {
  service = await startService({ workers: 0 });
  folder = await mkdtemp(join(tmpdir(), 'distillery-fleet-'));
  // No test machine has a GPU: this program answers in place of nvidia-smi, and the workers compute on the processor.
  const program = join(folder, 'nvidia-smi');
  await writeFile(program, `#!/bin/sh\nprintf '0, GPU-a, 16384, 0\\n1, GPU-b, 16384, 0\\n'\n`);
  await chmod(program, 0o755);
}, 60_000);
afterAll(async () => {
  for (const child of started) child.kill('SIGKILL');
  await service.close();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

/** Starts the program of workers and collects its log. */
function start(variables: Record<string, string>) {
  const child = spawn(process.execPath, [join(inject('built'), 'apps/worker/source/main.js')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: folder,
    env: {
      ...process.env,
      PATH: `${folder}${delimiter}${process.env.PATH}`,
      REDIS_URL: service.redisUrl,
      STORE_DIR: join(service.folder, 'store'),
      DATA_DIR: join(service.folder, 'data'),
      ENGINE: 'native',
      TF_NUM_INTRAOP_THREADS: '1',
      ...variables,
    },
  });
  started.push(child);
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const exit = once(child, 'exit').then(([code]) => code as number | null);
  const lines = () =>
    text
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { child, exit, lines };
}

const spec = (over: Partial<JobSpecInput> = {}): JobSpecInput => ({
  dataset: { source: 'shapes', trainCount: 200, testCount: 50 },
  teacher: { architecture: { type: 'lightnn' } },
  students: [{ name: 'soft', architecture: { type: 'lightnn' }, method: [{ type: 'soft_target' }] }],
  training: { epochs: 1, batchSize: 50 },
  ...over,
});

async function demand(): Promise<number> {
  return ((await (await fetch(`${service.url}/v1/demand`)).json()) as { stages: number }).stages;
}

test('from no worker to none: two pinned workers take a job and leave when nothing is left', {
  timeout: 240_000,
}, async () => {
  const posted = await fetch(`${service.url}/v1/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-request-id': 'find-me-1' },
    body: JSON.stringify(spec({ seeds: [1, 2], resources: { engine: 'cpu', labels: ['rented'] } })),
  });
  const { id, waitingFor } = (await posted.json()) as { id: string; waitingFor: string };
  expect([waitingFor, await demand()]).toEqual(['worker', 1]);
  const { exit, lines } = start({ GPUS: 'all', ONE_SHOT: '3', CAPABILITIES: 'rented', LOG_LEVEL: 'debug' });
  expect(await exit).toBe(0);
  expect((await service.client.jobs.get(id)).state).toBe('succeeded');
  expect([await demand(), (await service.queue.workers.list()).length]).toEqual([0, 0]);
  const workers = new Set(
    lines()
      .filter(({ msg }) => msg === 'worker ready')
      .map(({ worker }) => worker),
  );
  expect(workers.size).toBe(2);
  // What the worker logs of the stages, and what their trainers print, has the id of the request.
  const ofStages = lines().filter(({ job }) => job === id);
  expect(ofStages.length).toBeGreaterThan(8);
  expect(new Set(ofStages.map(({ reqId }) => reqId))).toEqual(new Set(['find-me-1']));
});

test('a stop reaches the pinned workers, which hand their stages back with a checkpoint', {
  timeout: 240_000,
}, async () => {
  const long = { epochs: 400, batchSize: 50 };
  const { id } = await service.client.jobs.create(spec({ training: long }));
  const { child, exit } = start({ GPUS: '1', ONE_SHOT: '60' });
  const teacher = async () => (await service.client.jobs.get(id)).stages[0];
  await expect
    .poll(async () => (await teacher()).progress?.epoch ?? 0, { timeout: 120_000 })
    .toBeGreaterThan(1);
  child.kill('SIGTERM');
  expect(await exit).toBe(0);
  expect(await teacher()).toMatchObject({ state: 'queued', attempt: 1 });
  expect(await demand()).toBe(1);
  const saved = (await service.queue.events.read(id)).filter(({ type }) => type === 'checkpoint');
  expect(saved.length).toBeGreaterThan(0);
  const { durations } = await service.queue.counters();
  expect(durations.find(({ outcome }) => outcome === 'stopped')).toMatchObject({ kind: 'teacher' });
  expect(durations.some(({ outcome }) => outcome === 'lost')).toBe(false);
  await service.client.jobs.cancel(id);
});

test('a label that no worker has is told at once, with what is missing', async () => {
  const registration = await service.queue.workers.register({
    id: 'plain',
    host: 'h',
    version: 'test',
    engine,
  });
  const asked = spec({ resources: { labels: ['no-such-label'] } });
  // What is running is read once a second.
  await expect
    .poll(async () => {
      const job = await service.client.jobs.create(asked);
      await service.client.jobs.cancel(job.id);
      return [job.waitingFor, job.missing];
    })
    .toEqual(['capability', ['label:no-such-label']]);
  const { warnings } = await service.client.jobs.validate(asked);
  expect(warnings.join()).toContain('no running worker has the label no-such-label');
  await registration.stop();
});
