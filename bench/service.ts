/**
 * Measures the service under load and after crashes, with API and workers as separate processes:
 *
 *   npm run bench:service -- [--seconds 60] [--rate 100] [--rounds 5]
 *
 * The API's latency at a fixed rate of requests, independent of the responses (an open loop), with and without a trainer;
 * the time from a SIGKILL of a worker or trainer to the next attempt and its first row; the time from a request to cancel
 * to the end of the job.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createClient } from '@distillery/client';
import { openQueue, startPrivateRedis } from '@distillery/queue';
import type { JobSpecInput } from '@distillery/spec';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    rate: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '5' },
  },
});
const [seconds, rate, rounds] = [values.seconds, values.rate, values.rounds].map(Number);

const folder = await mkdtemp(join(tmpdir(), 'distillery-bench-'));
const redis = await startPrivateRedis();
const children = new Set<ChildProcess>();
const environment = {
  ...process.env,
  REDIS_URL: redis.url,
  STORE_DIR: join(folder, 'store'),
  DATA_DIR: join(folder, 'data'),
  PORT: '0',
};

/** Starts an app and waits for a line of its log. */
async function start(app: 'api' | 'worker', ready: RegExp): Promise<{ child: ChildProcess; found: string }> {
  const script = resolve(import.meta.dirname, `../apps/${app}/source/main.ts`);
  const child = spawn(process.execPath, ['--import', 'tsx', script], {
    env: environment,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  const lines = createInterface(child.stdout);
  const found = await new Promise<string>((done, fail) => {
    lines.on('line', (line) => {
      const match = ready.exec(line);
      if (match !== null) done(match[1] ?? '');
    });
    child.once('exit', () => fail(new Error(`${app} ended before it was ready`)));
  });
  return { child, found };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  children.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
}

/** A job that trains longer than the benchmark runs. */
const long: JobSpecInput = {
  dataset: { source: 'shapes', trainCount: 2000, testCount: 100 },
  teacher: { architecture: { type: 'lightnn' }, training: { epochs: 5000 } },
  students: [{ name: 's', architecture: { type: 'lightnn' }, method: [{ type: 'soft_target' }] }],
  baseline: false,
};

const { found: url, child: api } = await start('api', /listening at (http:\S+?)"/);
const client = createClient(url);
const queue = await openQueue({ url: redis.url });
const startWorker = () => start('worker', /"engine: (\w+)/);

/** Submits the long job and waits for the first row of its teacher. */
async function training(): Promise<string> {
  const { id } = await client.jobs.create({
    ...long,
    teacher: { ...long.teacher, training: { epochs: 5000, seed: ++seeds } },
  });
  await rowOf(id, 1);
  return id;
}
let seeds = 0;

async function rowOf(id: string, attempt: number): Promise<number> {
  for (;;) {
    const { rows } = await queue.metrics.read(id, { limit: 10_000, attempts: 'all' });
    if (rows.some((row) => row.attempt === attempt && row.step > 0)) return performance.now();
    await delay(20);
  }
}

async function attemptOf(id: string, attempt: number): Promise<number> {
  for (;;) {
    const [stage] = (await queue.jobs.get(id)).view.stages;
    if (stage.attempt === attempt && stage.state === 'running') return performance.now();
    await delay(20);
  }
}

async function cancelled(id: string): Promise<number> {
  const begun = performance.now();
  await client.jobs.cancel(id);
  while ((await queue.jobs.get(id)).view.state !== 'cancelled') await delay(10);
  return performance.now() - begun;
}

/** A mix of client requests; each is a function of its number. */
const questions: [name: string, ask: (id: string) => Promise<unknown>][] = [
  ['job', (id) => client.jobs.get(id)],
  ['job', (id) => client.jobs.get(id)],
  ['job', (id) => client.jobs.get(id)],
  ['jobs', () => client.jobs.list({ limit: 20 }).page()],
  ['metrics', (id) => client.jobs.metrics(id, { limit: 200 }).page()],
  ['metrics', (id) => client.jobs.metrics(id, { limit: 200 }).page()],
  ['methods', () => client.methods.list()],
  ['validate', () => client.jobs.validate(long)],
  ['submit', () => client.jobs.create({ ...long, priority: -10 })],
  ['job', (id) => client.jobs.get(id)],
];

async function latencies(id: string): Promise<Map<string, number[]>> {
  const found = new Map<string, number[]>();
  const asked: Promise<void>[] = [];
  let failures = 0;
  const begun = performance.now();
  for (let number = 0; number < seconds * rate; number++) {
    const due = begun + (number / rate) * 1000;
    await delay(Math.max(0, due - performance.now()));
    const [name, ask] = questions[number % questions.length];
    const times = found.get(name) ?? [];
    found.set(name, times);
    asked.push(
      ask(id).then(
        () => void times.push(performance.now() - due),
        () => void failures++,
      ),
    );
  }
  await Promise.all(asked);
  if (failures > 0) console.log(`  ${failures} requests failed`);
  return found;
}

const quantile = (times: readonly number[], share: number) =>
  times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.floor(share * times.length))];
const ms = (value: number) => value.toFixed(1).padStart(9);

function printLatencies(quiet: Map<string, number[]>, busy: Map<string, number[]>): void {
  console.log(
    `\nlatency, ms, at ${rate} requests/s for ${seconds} s; without a trainer, beside one, ratio of p99`,
  );
  const all = (times: Map<string, number[]>) => [...times.values()].flat();
  const rows = [
    ['all', all(quiet), all(busy)] as const,
    ...[...quiet].map(([name, times]) => [name, times, busy.get(name) ?? []] as const),
  ];
  for (const [name, a, b] of rows) {
    const cells = [a, b].map((times) =>
      [0.5, 0.9, 0.99, 1].map((share) => ms(quantile(times, share))).join(''),
    );
    const ratio = quantile(b, 0.99) / quantile(a, 0.99);
    console.log(`  ${name.padEnd(9)} ${cells.join('   |')}   ${ratio.toFixed(2)}`);
  }
}

function printTimes(what: string, times: readonly number[]): void {
  const seconds = times.map((time) => (time / 1000).toFixed(1));
  console.log(`  ${what.padEnd(52)} ${(quantile(times, 0.5) / 1000).toFixed(1)} s  (${seconds.join(', ')})`);
}

function trainerOf(worker: ChildProcess): number {
  const lines = execFileSync('ps', ['-eo', 'pid,ppid,args'], { encoding: 'utf8' }).split('\n');
  const line = lines.find(
    (one) => one.includes('trainer.ts') && one.trim().split(/\s+/)[1] === String(worker.pid),
  );
  if (line === undefined) throw new Error('the worker has no trainer');
  return Number(line.trim().split(/\s+/)[0]);
}

try {
  // No worker runs yet, so the job waits.
  const waiting = (await client.jobs.create(long)).id;
  await latencies(waiting);
  const quiet = await latencies(waiting);
  let worker = (await startWorker()).child;
  await rowOf(waiting, 1);
  const busy = await latencies(waiting);
  printLatencies(quiet, busy);
  for (let after: string | undefined; ; ) {
    const page = await queue.jobs.list({ limit: 100, after });
    for (const { id, state } of page.jobs)
      if (state === 'queued' || state === 'running') await client.jobs.cancel(id);
    if (page.next === null) break;
    after = page.next;
  }

  const orders: number[] = [];
  const trainers: { next: number; row: number }[] = [];
  const workers: { next: number; row: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    let id = await training();
    orders.push(await cancelled(id));
    id = await training();
    let struck = performance.now();
    process.kill(trainerOf(worker), 'SIGKILL');
    trainers.push({ next: (await attemptOf(id, 2)) - struck, row: (await rowOf(id, 2)) - struck });
    orders.push(await cancelled(id));
    id = await training();
    const other = (await startWorker()).child;
    struck = performance.now();
    await end(worker, 'SIGKILL');
    workers.push({ next: (await attemptOf(id, 2)) - struck, row: (await rowOf(id, 2)) - struck });
    orders.push(await cancelled(id));
    worker = other;
  }
  console.log(`\nmedian, and each of ${rounds} rounds`);
  printTimes(
    'trainer killed → next attempt begins',
    trainers.map(({ next }) => next),
  );
  printTimes(
    'trainer killed → its first row',
    trainers.map(({ row }) => row),
  );
  printTimes(
    'worker killed → another begins the next attempt',
    workers.map(({ next }) => next),
  );
  printTimes(
    'worker killed → its first row',
    workers.map(({ row }) => row),
  );
  printTimes('cancel → cancelled, its checkpoint committed', orders);
  await end(worker, 'SIGTERM');
} finally {
  await Promise.all([...children].map((child) => end(child, 'SIGTERM')));
  await end(api, 'SIGTERM');
  await queue.close();
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
}
