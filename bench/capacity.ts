/**
 * Measures what capacity planning needs: the memory of Redis for each job and for metrics, the requests that one API process answers
 * beside a Redis on the same machine, and the bytes of a checkpoint in the store.
 *
 *   npm run bench:capacity -- [--jobs 200] [--seconds 5]
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createLogger, startApi } from '@distillery/api';
import { createClient } from '@distillery/client';
import { openQueue, startPrivateRedis } from '@distillery/queue';
import type { JobSpecInput } from '@distillery/spec';
import { startWorker } from '@distillery/worker';

const { values } = parseArgs({
  options: { jobs: { type: 'string', default: '200' }, seconds: { type: 'string', default: '5' } },
});
const [jobs, seconds] = [Number(values.jobs), Number(values.seconds)];
const atOnce = 8;

/** 2 students and a control, 3 seeds each: 12 stages. */
const spec: JobSpecInput = {
  name: 'capacity',
  labels: { team: 'bench' },
  dataset: { source: 'shapes', trainCount: 200, testCount: 50 },
  teacher: { architecture: { type: 'deepnn' } },
  students: [
    {
      name: 'soft',
      architecture: { type: 'lightnn' },
      method: [{ type: 'soft_target' }, { type: 'cross_entropy' }],
    },
    {
      name: 'cosine',
      architecture: { type: 'lightnn' },
      method: [{ type: 'cosine' }, { type: 'cross_entropy' }],
    },
  ],
  seeds: [1, 2, 3],
  training: { epochs: 1 },
};

const folder = await mkdtemp(join(tmpdir(), 'distillery-capacity-'));
const redis = await startPrivateRedis({ dir: join(folder, 'redis'), settings: { requirepass: '' } });
const at = {
  redisUrl: redis.url,
  store: join(folder, 'store'),
  dataDir: join(folder, 'data'),
  roots: [],
  log: createLogger('silent'),
};
const api = await startApi({ ...at, apiKeys: 'off' });
const queue = await openQueue({ url: redis.url, onOutage: 'wait' });
const client = createClient(api.url);

/** The memory that the data of Redis takes, in bytes. */
function memory(): number {
  const info = execFileSync('redis-cli', ['-p', new URL(redis.url).port, 'INFO', 'memory'], {
    encoding: 'utf8',
  });
  return Number(/used_memory_dataset:(\d+)/.exec(info)?.[1]);
}

function show(what: string, value: number, unit: string): void {
  console.log(
    `${what.padEnd(60)} ${value.toLocaleString('en', { maximumFractionDigits: 1 }).padStart(10)} ${unit}`,
  );
}

/** Requests a second of a path, eight at a time. */
async function requests(path: string): Promise<number> {
  const end = performance.now() + 1000 * seconds;
  let count = 0;
  const ask = async () => {
    while (performance.now() < end) {
      const response = await fetch(api.url + path);
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`${path}: ${response.status}`);
      count++;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, ask));
  return count / seconds;
}

try {
  const { id } = await client.jobs.create({ ...spec, students: spec.students.slice(0, 1), seeds: [1] });
  const worker = await startWorker({
    ...at,
    trainers: 1,
    stallSeconds: 600,
    lockSeconds: 15,
    version: 'bench',
  });
  const done = await client.jobs.wait(id);
  await worker.close();
  if (done.state !== 'succeeded') throw new Error(JSON.stringify(done.reason));
  const { teachers, students } = await client.jobs.report(id);
  for await (const event of client.jobs.events(id)) {
    if (event.type !== 'checkpoint') continue;
    const trained = [...teachers, ...students.flatMap(({ runs }) => runs)].find(
      ({ stage }) => stage === event.stage,
    );
    if (trained === undefined) continue;
    show(`checkpoint of ${event.stage}, bytes for each parameter`, event.bytes / trained.parameters, 'B');
  }

  const before = memory();
  const ids: string[] = [];
  for (let i = 0; i < jobs; i++) ids.push((await client.jobs.create(spec)).id);
  show(`Redis for each queued job of 12 stages, of ${jobs}`, (memory() - before) / jobs / 1024, 'KiB');

  const begun = await queue.attempts.begin(ids[0], 'teacher', 'bench');
  if ('skip' in begun) throw new Error(begun.skip);
  const rows = memory();
  for (let step = 0; step < 20_000; step += 100) {
    const row = (n: number) => ({
      epoch: 1 + Math.floor(n / 1000),
      step: n,
      time: new Date().toISOString(),
      values: { loss: Math.random(), cross_entropy: Math.random(), learning_rate: 0.1 },
    });
    await queue.attempts.metrics(
      begun,
      Array.from({ length: 100 }, (_, i) => row(step + i)),
    );
  }
  show('Redis for each 1000 rows of metrics', (memory() - rows) / 20 / 1024, 'KiB');

  show('GET /v1/jobs/:id, one API process', await requests(`/v1/jobs/${ids[1]}`), 'per second');
  show('GET /v1/jobs (20 of them), one API process', await requests('/v1/jobs'), 'per second');
  const start = performance.now();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let i = 0; i < 10; i++) await client.jobs.create(spec);
    }),
  );
  show('POST /v1/jobs, one API process', (10_000 * atOnce) / (performance.now() - start), 'per second');
} finally {
  await queue.close();
  await api.close();
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
}
