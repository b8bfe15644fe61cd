/**
 * Measures how long `/healthz` takes while the API answers many of its most expensive requests at once:
 *
 *   npm run bench:api -- [--parallel 20] [--megabytes 65] [--limit 60]
 *
 * API, Redis and the requests have processes or threads of their own, and `/healthz` is asked every 10 ms meanwhile, for at
 * most `limit` seconds for each kind of request.
 */
import { once } from 'node:events';
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startThread } from '@distillery/engine/program';
import { openQueue, startPrivateRedis } from '@distillery/queue';
import { startApiProcess } from './api-process.ts';
import type { Answers, Load } from './load.ts';

const { values } = parseArgs({
  options: {
    parallel: { type: 'string', default: '20' },
    megabytes: { type: 'string', default: '65' },
    limit: { type: 'string', default: '60' },
  },
});
const [parallel, megabytes, limit] = [values.parallel, values.megabytes, values.limit].map(Number);

const folder = await mkdtemp(join(tmpdir(), 'distillery-bench-'));
const data = join(folder, 'data');
const redis = await startPrivateRedis();

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);
const lightnn = { type: 'lightnn' };
/** A job with many stages, as JSON. */
function many(students: number, generations: number, seeds: number): string {
  return JSON.stringify({
    dataset: { source: 'shapes', trainCount: 100, testCount: 50 },
    procedure: 'born_again',
    generations,
    teacher: { architecture: lightnn },
    students: numbers(students).map((index) => ({
      name: `s${index}`,
      architecture: lightnn,
      method: [{ type: 'soft_target' }, { type: 'cross_entropy' }],
    })),
    seeds: numbers(seeds),
  });
}
const text = { type: 'text_transformer' };
const csv = JSON.stringify({
  dataset: { source: 'text_csv', path: join(data, 'large.csv') },
  teacher: { architecture: text },
  students: [{ name: 's', architecture: text, method: [{ type: 'soft_target' }] }],
});
const classMap = Object.fromEntries(numbers(50_000).map((index) => [`c${index}`, `d${index}`]));
const largeBody = JSON.stringify({
  ...(JSON.parse(many(1, 2, 1)) as object),
  teacher: { architecture: lightnn, classMap },
});
/** Nearly as large as a job may be. */
const largest = many(64, 16, 1);

/** Writes rows until the file has the size. */
async function writeCsv(): Promise<void> {
  await mkdir(data, { recursive: true });
  const file = await open(join(data, 'large.csv'), 'w');
  const rows = numbers(1000).map((index) => `"a text of some words, number ${index}",${index % 7}\n`);
  const block = rows.join('').repeat(20);
  await file.write('text,label\n');
  for (let written = 0; written < megabytes * 1e6; written += block.length) await file.write(block);
  await file.close();
}

/** Writes 10,000 rows of metrics for the first stage of a job, and returns the path of its metrics. */
async function fillMetrics(id: string): Promise<string> {
  const queue = await openQueue({ url: redis.url, onOutage: 'wait' });
  const attempt = await queue.attempts.begin(id, 'teacher', 'bench');
  if ('skip' in attempt) throw new Error(attempt.skip);
  const values = {
    loss: 0.123456789,
    accuracy: 0.5,
    soft_target: 1.25,
    cross_entropy: 2.5,
    learning_rate: 1e-3,
  };
  for (const hundred of numbers(100)) {
    const time = new Date().toISOString();
    await queue.attempts.metrics(
      attempt,
      numbers(100).map((i) => ({ epoch: hundred, step: hundred * 100 + i, time, values })),
    );
  }
  await queue.close();
  return `/v1/jobs/${id}/metrics`;
}

const agent = new Agent({ keepAlive: true });
function health(url: string): Promise<number> {
  const begun = performance.now();
  return new Promise((done, fail) => {
    const sent = request(`${url}/healthz`, { agent }, (response) => {
      response.resume();
      response.on('end', () => done(performance.now() - begun));
    });
    sent.on('error', fail);
    sent.end();
  });
}

/** The times of `/healthz` until `stop` is settled, one request after the other. */
async function probes(url: string, stop: Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  let going = true;
  const end = stop.finally(() => {
    going = false;
  });
  do {
    times.push(await health(url));
    await delay(10);
  } while (going);
  await end;
  return times.sort((a, b) => a - b);
}

async function measured(url: string, name: string, load: Omit<Load, 'url' | 'parallel' | 'limit'>) {
  const thread = startThread(import.meta.resolve('./load.ts'), {
    url,
    parallel,
    limit,
    ...load,
  } satisfies Load);
  const answered = once(thread, 'message') as Promise<[Answers]>;
  const times = await probes(url, answered);
  const [{ statuses, seconds, bytes }] = await answered;
  await thread.terminate();
  const at = (share: number) =>
    times[Math.min(times.length - 1, Math.floor(share * times.length))].toFixed(1);
  const counts = Object.entries(statuses).map(([status, count]) => `${count}×${status}`);
  process.stdout.write(
    `| ${name} | ${counts.join(' ')} | ${seconds.toFixed(1)} | ${(bytes / 1e6).toFixed(1)} | ${times.length} | ${at(0.5)} | ${at(0.99)} | ${at(1)} |\n`,
  );
}

try {
  await writeCsv();
  const { child, url } = await startApiProcess({ folder, redisUrl: redis.url, roots: data });
  try {
    const post = (path: string, body: string) => ({ method: 'POST', path, body });
    process.stdout.write(
      `${parallel} requests at once; the times of /healthz in ms\n\n` +
        '| requests | answers | seconds | MB | probes | p50 | p99 | max |\n|---|---|---|---|---|---|---|---|\n',
    );
    await measured(url, 'none', { method: 'GET', path: '/healthz', body: '' });
    await measured(url, 'a spec of 63,523 stages', post('/v1/jobs/validate', many(64, 16, 32)));
    await measured(url, `a plan of a ${megabytes} MB CSV file`, post('/v1/jobs/validate', csv));
    await measured(url, 'the same again', post('/v1/jobs/validate', csv));
    await measured(url, 'a plan of 1988 stages', post('/v1/jobs/validate', largest));
    await measured(url, 'a spec of 1 MB', post('/v1/jobs/validate', largeBody));
    await measured(url, 'a submission of 1988 stages', post('/v1/jobs', largest));
    const get = (path: string) => ({ method: 'GET', path, body: '' });
    await measured(url, 'the list of these jobs', get('/v1/jobs?limit=100'));
    const listed = (await (await fetch(`${url}/v1/jobs?limit=2`)).json()) as { jobs: { id: string }[] };
    const job = `/v1/jobs/${listed.jobs[0].id}`;
    await measured(url, 'the view of one of them', get(job));
    await measured(url, 'a page of its stages', get(`${job}/stages`));
    await measured(url, 'its metrics', get(`${job}/metrics`));
    await measured(url, 'pausing it', post(`${job}/pause`, ''));
    const rows = await fillMetrics(listed.jobs[1].id);
    await measured(url, 'a page of 10,000 rows', get(`${rows}?limit=10000`));
    await measured(url, 'the OpenAPI description', get('/openapi.json'));
  } finally {
    agent.destroy();
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
} finally {
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
}
