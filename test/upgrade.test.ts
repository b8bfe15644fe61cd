import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { openQueue, type PrivateRedis, startPrivateRedis } from '@distillery/queue';
import { type JobView, sha256 } from '@distillery/spec';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { weightsOf } from './chaos/reference.ts';
import { type Service, startService } from './testing/service.ts';

// What an earlier version has left in Redis and in the store: a job that has finished, one that is paused, one whose worker is gone
// and one that is queued. fixtures/previous-version/make.ts wrote it with a service of that version.

const fixtures = join(import.meta.dirname, 'fixtures', 'previous-version');
let folder: string;
let redis: PrivateRedis;
let service: Service;
let jobs: Record<string, JobView>;

/** Sends commands, one JSON array a line, to Redis. */
async function send(url: string, lines: readonly string[]): Promise<void> {
  const { port } = new URL(url);
  const pipe = spawn('redis-cli', ['-p', port, '--pipe'], { stdio: ['pipe', 'pipe', 'inherit'] });
  let output = '';
  pipe.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  for (const line of lines) {
    const words = (JSON.parse(line) as string[]).map((word) => Buffer.from(word));
    pipe.stdin.write(`*${words.length}\r\n`);
    for (const word of words)
      pipe.stdin.write(Buffer.concat([Buffer.from(`$${word.length}\r\n`), word, Buffer.from('\r\n')]));
  }
  pipe.stdin.end();
  await once(pipe, 'exit');
  expect(output).toContain(`errors: 0, replies: ${lines.length}`);
}

async function ended(id: string): Promise<JobView> {
  for (const end = Date.now() + 150_000; Date.now() < end; await delay(100)) {
    const view = await service.client.jobs.get(id);
    if (['succeeded', 'failed', 'cancelled'].includes(view.state)) return view;
  }
  throw new Error(`${id} did not end in time`);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-upgrade-'));
  redis = await startPrivateRedis({ dir: join(folder, 'redis'), settings: { requirepass: '' } });
  const text = await readFile(join(fixtures, 'redis.jsonl'), 'utf8');
  await send(redis.url, text.trim().split('\n'));
  const stored = JSON.parse(await readFile(join(fixtures, 'store.json'), 'utf8')) as Record<
    string,
    Record<string, string>
  >;
  for (const [part, encoding] of [
    ['manifests', 'utf8'],
    ['blobs', 'base64'],
  ] as const) {
    for (const [name, content] of Object.entries(stored[part])) {
      const path = join(folder, 'store', part, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, Buffer.from(content, encoding));
    }
  }
  const queue = await openQueue({ url: redis.url });
  const { jobs: found } = await queue.jobs.list({ limit: 100 });
  const views = await Promise.all(found.map(async ({ id }) => (await queue.jobs.get(id)).view));
  jobs = Object.fromEntries(views.map((view) => [view.name as string, view]));
  await queue.close();
  service = await startService({
    redisUrl: redis.url,
    storeUrl: pathToFileURL(join(folder, 'store')).href,
    lockSeconds: 4,
  });
}, 120_000);
afterAll(async () => {
  await service?.close();
  await redis?.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

test('this version reads every job of the earlier one', async () => {
  expect(Object.fromEntries(Object.entries(jobs).map(([name, { state }]) => [name, state]))).toEqual({
    finished: 'succeeded',
    paused: 'paused',
    running: 'running',
    queued: 'queued',
  });
  const { client } = service;
  const { id, labels } = jobs.finished;
  expect(labels).toEqual({ from: 'earlier' });
  const report = await client.jobs.report(id);
  const weights = weightsOf(report);
  for (const [name, which] of Object.entries({ 'students/soft': 'soft 1 best', teacher: 'teacher 1 best' })) {
    const file = await fetch(`${service.url}/v1/jobs/${id}/${name}/weights`);
    expect([name, file.status]).toEqual([name, 200]);
    const digest = sha256(new Uint8Array(await file.arrayBuffer()));
    const known = Object.entries(weights).find(
      ([key]) => key.startsWith(which.split(' ')[0]) && key.endsWith('best'),
    );
    expect(digest).toBe(known?.[1]);
  }
  expect((await client.jobs.metrics(jobs.running.id, { stage: 'teacher' }).page()).metrics).not.toEqual([]);
  let verified = await client.store.scrub();
  while (verified.state === 'running') verified = await client.store.scrubReport();
  expect(verified).toMatchObject({ state: 'done', jobs: 4, missing: 0, damaged: 0, services: 0 });
});

test('it goes on with jobs of the earlier version from their checkpoints, and finishes them', {
  timeout: 240_000,
}, async () => {
  const { client } = service;
  await client.jobs.resume(jobs.paused.id);
  for (const name of ['running', 'queued', 'paused']) {
    expect(await ended(jobs[name].id)).toMatchObject({ state: 'succeeded' });
  }
  for (const name of ['running', 'paused']) {
    const before = jobs[name].stages[0];
    const [teacher] = (await client.jobs.get(jobs[name].id)).stages;
    expect(teacher.attempt).toBe(before.attempt + 1);
    const { metrics } = await client.jobs.metrics(jobs[name].id, { stage: 'teacher', limit: 10_000 }).page();
    // The first epoch of the new attempt is one behind a checkpoint of the earlier version.
    expect(metrics.find(({ attempt }) => attempt === teacher.attempt)?.epoch).toBeGreaterThan(10);
  }
});

test('a job that is submitted now shares what the earlier version has trained', {
  timeout: 120_000,
}, async () => {
  const { client } = service;
  const spec = await client.jobs.spec(jobs.finished.id);
  const { id } = await client.jobs.create({ ...spec, name: 'again' });
  expect(await ended(id)).toMatchObject({ state: 'succeeded' });
  expect(weightsOf(await client.jobs.report(id))).toEqual(
    weightsOf(await client.jobs.report(jobs.finished.id)),
  );
});
