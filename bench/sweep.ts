/**
 * Measures a sweep of 24 combinations against the same jobs by themselves, each from an empty store:
 *
 *   npm run bench:sweep -- [--workers 2] [--epochs 6] [--train 400] [--apart 3] [--only sweep,jobs,apart,halving]
 *
 * `sweep`: a grid. `jobs`: the same 24 jobs, one after another, over one store that is empty at first; they share the teacher and its outputs, as
 * jobs do. `apart`: each with a store of its own, of which `--apart` are measured. `halving`: successive halving over the same combinations.
 * Every arm has the same workers in one process. Data are made on the spot.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type * as apiSources from '@distillery/api';
import { type Client, createClient } from '@distillery/client';
import { startPrivateRedis } from '@distillery/queue';
import type { JobSpecInput, NewSweepInput, SweepView } from '@distillery/spec';
import type * as workerSources from '@distillery/worker';

const arms = ['sweep', 'jobs', 'apart', 'halving'] as const;
const { values } = parseArgs({
  options: {
    workers: { type: 'string', default: '2' },
    epochs: { type: 'string', default: '6' },
    train: { type: 'string', default: '400' },
    apart: { type: 'string', default: '3' },
    only: { type: 'string', default: arms.join(',') },
  },
});
const [workers, epochs, train, apart] = [values.workers, values.epochs, values.train, values.apart].map(
  Number,
);

// The compiled programs, as images run them.
const built = (app: string) =>
  import(pathToFileURL(resolve(import.meta.dirname, `../built/apps/${app}/source/index.js`)).href);
const { startApi, createLogger }: typeof apiSources = await built('api');
const { startWorker }: typeof workerSources = await built('worker');

const temperatures = [1, 2, 4, 8, 12, 16];
const weights = [0.25, 0.5, 1, 2];
const job: JobSpecInput = {
  dataset: { source: 'shapes', trainCount: train, testCount: 300 },
  teacher: { architecture: { type: 'deepnn' } },
  students: [
    {
      name: 'small',
      architecture: { type: 'lightnn' },
      method: [{ type: 'soft_target', temperature: 1, weight: 1 }, { type: 'cross_entropy' }],
    },
  ],
  training: { epochs, batchSize: 64 },
};
const grid: NewSweepInput = {
  job,
  over: {
    '/students/0/method/0/temperature': { values: temperatures },
    '/students/0/method/0/weight': { values: weights },
  },
};

/** Runs something on an empty service. @returns its seconds and what it returns */
async function onEmpty<T>(work: (client: Client) => Promise<T>): Promise<{ seconds: number; result: T }> {
  const folder = await mkdtemp(join(tmpdir(), 'distillery-bench-'));
  const redis = await startPrivateRedis({ dir: join(folder, 'redis') });
  const log = createLogger(process.env.LOG_LEVEL ?? 'silent');
  const service = {
    redisUrl: redis.url,
    store: join(folder, 'store'),
    dataDir: join(folder, 'data'),
    roots: [],
    log,
  };
  const api = await startApi(service);
  const running = await Promise.all(
    Array.from({ length: workers }, () =>
      startWorker({ ...service, trainers: 1, stallSeconds: 600, version: 'bench' }),
    ),
  );
  try {
    const begun = performance.now();
    const result = await work(createClient(api.url));
    return { seconds: (performance.now() - begun) / 1000, result };
  } finally {
    await Promise.all(running.map((one) => one.close()));
    await api.close();
    await redis.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function specOf(index: number): JobSpecInput {
  const spec = structuredClone(job);
  Object.assign(spec.students[0].method[0] as object, {
    temperature: temperatures[Math.floor(index / weights.length)],
    weight: weights[index % weights.length],
  });
  return spec;
}

async function single(client: Client, spec: JobSpecInput): Promise<void> {
  const { id } = await client.jobs.create(spec);
  const { state, reason } = await client.jobs.wait(id, { interval: 100 });
  if (state !== 'succeeded') throw new Error(`${id} ${state}: ${reason?.message}`);
}

async function swept(client: Client, sweep: NewSweepInput): Promise<SweepView> {
  const { id } = await client.sweeps.create(sweep);
  const ended = await client.sweeps.wait(id, { interval: 250 });
  if (ended.state !== 'succeeded' || ended.trials.some(({ state }) => state === 'failed')) {
    throw new Error(`${id} ${ended.state}`);
  }
  return ended;
}

const count = temperatures.length * weights.length;
const all = [...Array(count).keys()];
const seconds = new Map<string, number>();
const measure: Record<(typeof arms)[number], () => Promise<number>> = {
  sweep: async () => (await onEmpty((client) => swept(client, grid))).seconds,
  jobs: async () =>
    (
      await onEmpty(async (client) => {
        for (const index of all) await single(client, specOf(index));
      })
    ).seconds,
  apart: async () => {
    let sum = 0;
    for (const index of all.slice(0, apart)) {
      sum += (await onEmpty((client) => single(client, specOf(index)))).seconds;
    }
    return (sum / apart) * count;
  },
  halving: async () => {
    const { seconds: took, result } = await onEmpty((client) =>
      swept(client, { ...grid, search: { type: 'halving', minimumEpochs: 1, factor: 3 } }),
    );
    const reached = result.rungs.map(
      (rung) => `${result.trials.filter((trial) => trial.epochs >= rung).length} to ${rung}`,
    );
    console.log(`  epochs of the trials of halving: ${reached.join(', ')}`);
    return took;
  },
};

for (const arm of arms.filter((one) => values.only.split(',').includes(one))) {
  const [before] = loadavg();
  const took = await measure[arm]();
  seconds.set(arm, took);
  const [after] = loadavg();
  console.log(
    `${arm.padEnd(8)} ${took.toFixed(1).padStart(7)} s   load before ${before.toFixed(1)}, after ${after.toFixed(1)}`,
  );
}
for (const [ours, peer] of [
  ['sweep', 'jobs'],
  ['sweep', 'apart'],
  ['halving', 'sweep'],
] as const) {
  const [a, b] = [seconds.get(ours), seconds.get(peer)];
  if (a !== undefined && b !== undefined) console.log(`${ours} ÷ ${peer}: ${(a / b).toFixed(2)}`);
}
