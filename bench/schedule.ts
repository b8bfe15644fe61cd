/**
 * Measures in which order jobs end, how fairly owners share, and how true the estimates of the remaining time are, with one worker:
 *
 *   npm run bench:schedule -- [--jobs 16] [--estimates 20] [--many 100] [--scale 10000]
 *
 * Each number may be 0 to leave its part out. `jobs` equal tiny jobs: their end times. `estimates` jobs of different sizes: the
 * told and the true remaining seconds of each after a minute or a quarter of its time, whichever is first. `many` jobs of one
 * owner and one of another: the number of the other's first stage. `scale` ended jobs: the times of list and delete.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createLogger, startApi } from '@distillery/api';
import { createClient } from '@distillery/client';
import { openQueue, startPrivateRedis } from '@distillery/queue';
import { isTerminal, type JobSpecInput } from '@distillery/spec';
import { startWorker } from '@distillery/worker';

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '16' },
    estimates: { type: 'string', default: '20' },
    many: { type: 'string', default: '100' },
    scale: { type: 'string', default: '10000' },
  },
});
const [jobs, estimates, many, scale] = [values.jobs, values.estimates, values.many, values.scale].map(Number);

const folder = await mkdtemp(join(tmpdir(), 'distillery-bench-'));
const redis = await startPrivateRedis({ dir: join(folder, 'redis') });
const service = {
  redisUrl: redis.url,
  store: join(folder, 'store'),
  dataDir: join(folder, 'data'),
  roots: [],
  log: createLogger(process.env.LOG_LEVEL ?? 'silent'),
};
const api = await startApi(service);
const client = createClient(api.url);
const queue = await openQueue({ url: redis.url, onOutage: 'wait' });

/** A job of four stages whose teacher no other job has. */
function spec(seed: number, size: number): JobSpecInput {
  return {
    dataset: { source: 'shapes', trainCount: 400 * size, testCount: 100 },
    teacher: { architecture: { type: 'lightnn' }, training: { epochs: 2 * size, seed } },
    students: [
      {
        name: 's',
        architecture: { type: 'lightnn' },
        method: [{ type: 'soft_target' }],
        training: { epochs: size },
      },
    ],
    baseline: false,
    seeds: [seed],
  };
}

/** Follows jobs to their ends. Returns for each the seconds at which it ended and what was told before. */
async function follow(ids: string[]) {
  const begun = performance.now();
  const followed = ids.map((id) => ({ id, end: 0, told: [] as { at: number; eta: number | null }[] }));
  for (;;) {
    const open = followed.filter(({ end }) => end === 0);
    if (open.length === 0) return followed;
    for (const job of open) {
      const { state, etaSeconds } = await client.jobs.get(job.id);
      const at = (performance.now() - begun) / 1000;
      if (isTerminal(state)) job.end = at;
      else job.told.push({ at, eta: etaSeconds });
    }
    await delay(300);
  }
}

const rounded = (value: number) => value.toFixed(1).padStart(7);

const worker = jobs + estimates + many > 0 ? await startWorker(service) : undefined;
try {
  if (jobs > 0) {
    const ids: string[] = [];
    for (let seed = 1; seed <= jobs; seed++) ids.push((await client.jobs.create(spec(seed, 1))).id);
    const ends = (await follow(ids)).map(({ end }) => end);
    console.log(`${jobs} equal jobs end after seconds:${ends.map(rounded).join('')}`);
  }
  if (estimates > 0) {
    const ids: string[] = [];
    for (let seed = 1; seed <= estimates; seed++)
      ids.push((await client.jobs.create(spec(1000 + seed, 1 + (seed % 4)))).id);
    let within = 0;
    for (const { end, told } of await follow(ids)) {
      const at = Math.min(60, end / 4);
      const first = told.find((one) => one.at >= at && one.eta !== null);
      const ratio = first?.eta ? first.eta / (end - first.at) : Number.NaN;
      if (ratio >= 0.5 && ratio <= 2) within++;
      console.log(
        `  told ${rounded(first?.eta ?? Number.NaN)}, true ${rounded(end - (first?.at ?? 0))}, ratio ${ratio.toFixed(2)}`,
      );
    }
    console.log(`estimates within a factor of two: ${within} of ${estimates}`);
  }
  if (many > 0) {
    const plan = (n: number) => ({
      version: 1,
      distillery: '0.0.0',
      stages: [{ id: `s${n}`, kind: 'none', needs: [], work: 1, input: {} }],
    });
    const submit = (owner: string, n: number) =>
      queue.jobs.create({
        name: null,
        labels: {},
        owner: { name: owner, jobs: 1e6 },
        posted: {},
        spec: {},
        plan: plan(n),
      });
    const order: string[] = [];
    for (let n = 0; n < many; n++) await submit('first', n);
    const { view } = await submit('second', 0);
    // The worker above would refuse these stages; it has nothing else to do, so it is closed first.
    await worker?.close();
    const consumer = await queue.stages.consume(async ({ jobId }) => void order.push(jobId), {
      worker: 'bench',
    });
    while (!order.includes(view.id)) await delay(50);
    await consumer.close();
    console.log(
      `of ${many} jobs of one owner and one of another, the other's first stage is number ${order.indexOf(view.id) + 1}`,
    );
  }
  if (scale > 0) await measureScale();
} finally {
  await worker?.close();
  await queue.close();
  await api.close();
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
}

/** Ends many jobs by cancelling them, and times what a client asks then. */
async function measureScale(): Promise<void> {
  const plan = {
    version: 1,
    distillery: '0.0.0',
    stages: [{ id: 's', kind: 'none', needs: [], work: 1, input: {} }],
  };
  const ids: string[] = [];
  for (let n = 0; n < scale; n += 100) {
    const created = await Promise.all(
      Array.from({ length: Math.min(100, scale - n) }, (_, i) =>
        queue.jobs.create({ name: `job ${n + i}`, labels: {}, posted: {}, spec: {}, plan }),
      ),
    );
    for (const { view } of created) ids.push(view.id);
    await Promise.all(created.map(({ view }) => queue.control.cancel(view.id)));
  }
  // Redis rewrites its file after so many writes.
  await delay(5000);
  const timed = async (what: string, ask: () => Promise<unknown>, times = 5) => {
    let best = Infinity;
    for (let i = 0; i < times; i++) {
      const begun = performance.now();
      await ask();
      best = Math.min(best, performance.now() - begun);
    }
    console.log(`with ${scale} jobs, ${what} takes ${best.toFixed(0)} ms`);
  };
  await timed('a list of 100', () => client.jobs.list({ limit: 100 }).page());
  await timed('a name that no job has', () => client.jobs.list({ name: 'no such name' }).page());
  await timed('a name that one old job has', () => client.jobs.list({ name: 'job 17' }).page());
  await timed('a delete', () => client.jobs.delete(ids[Math.floor(scale / 2)]), 1);
  await timed('one of five deletes', () => client.jobs.delete(ids.pop() as string));
}
