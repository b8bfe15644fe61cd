/**
 * Measures how far one Redis carries a fleet: processes that stand for workers take stages which compute nothing, while an API in a
 * process of its own is asked at a fixed rate, independent of its answers.
 *
 *   npm run bench:fleet -- [--hosts 50] [--each 1] [--stages 20000] [--owners 5] [--stage-ms 20] [--report-ms 1000] [--rate 50]
 *
 * hosts: processes; each: workers that each of them stands for; stages: in jobs of fifty; stage-ms: the mean time of a stage; report-ms: how
 * often a stage reports; rate: requests to the API a second. `--hosts 50 --each 100 --stage-ms 20000` stands for 5000 workers.
 */
import { type ChildProcess, execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { openQueue, startPrivateRedis } from '@distillery/queue';
import { startApiProcess } from './api-process.ts';
import type { FleetWorker } from './fleet-worker.ts';

const { values } = parseArgs({
  options: {
    hosts: { type: 'string', default: '50' },
    each: { type: 'string', default: '1' },
    stages: { type: 'string', default: '20000' },
    owners: { type: 'string', default: '5' },
    'stage-ms': { type: 'string', default: '20' },
    'report-ms': { type: 'string', default: '1000' },
    rate: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '600' },
  },
});
const [hosts, each, stageCount, owners] = [values.hosts, values.each, values.stages, values.owners].map(
  Number,
);
const [stageMs, reportMs, rate, limit] = [
  values['stage-ms'],
  values['report-ms'],
  values.rate,
  values.seconds,
].map(Number);
const perJob = 50;

const folder = await mkdtemp(join(tmpdir(), 'distillery-bench-'));
const redis = await startPrivateRedis({ dir: join(folder, 'redis') });
const queue = await openQueue({ url: redis.url, onOutage: 'wait' });
const children: ChildProcess[] = [];
/** The stages that each process has done. */
const done = new Map<number, number>();
const allDone = () => [...done.values()].reduce((sum, count) => sum + count, 0);

const stages = [
  { id: 'teacher', kind: 'none', needs: [], work: 1, input: {} },
  ...Array.from({ length: perJob - 2 }, (_, n) => ({
    id: `student.${n}`,
    kind: 'none',
    needs: ['teacher'],
    work: 1,
    input: {},
  })),
];
const plan = {
  version: 1,
  distillery: '0.0.0',
  stages: [...stages, { id: 'report', kind: 'none', needs: stages.map(({ id }) => id), work: 1, input: {} }],
};

/** Asks Redis itself, which the queue has no method for. */
async function ask(...command: string[]): Promise<string> {
  const { hostname, port, password } = new URL(redis.url);
  const env = { ...process.env, REDISCLI_AUTH: password };
  const args = ['-h', hostname, '-p', port, ...command];
  return (await promisify(execFile)('redis-cli', args, { env, maxBuffer: 2 ** 24 })).stdout;
}

async function info(section: string, name: string): Promise<number> {
  return Number(new RegExp(`${name}:([\\d.]+)`).exec(await ask('info', section))?.[1]);
}
const cpuSeconds = async () => (await info('cpu', 'used_cpu_user')) + (await info('cpu', 'used_cpu_sys'));
const mebibytes = async () => (await info('memory', 'used_memory')) / 2 ** 20;

/** Every kind of question that a dashboard or a script asks often. */
const questions = [
  '/v1/jobs?limit=20',
  '/v1/jobs/:id',
  '/v1/workers',
  '/healthz',
  '/v1/jobs/:id/metrics?limit=200',
];

async function askOften(
  url: string,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, number[]>> {
  const times = new Map<string, number[]>();
  const answers: Promise<void>[] = [];
  const begun = performance.now();
  for (let number = 0; !signal.aborted; number++) {
    const due = begun + (number / rate) * 1000;
    await delay(Math.max(0, due - performance.now()));
    const question = questions[number % questions.length];
    const path = question.replace(':id', ids[number % ids.length]);
    const answer = fetch(url + path, { signal: AbortSignal.timeout(30_000) }).then(async (response) => {
      await response.arrayBuffer();
      return response.ok ? question : `status ${response.status}`;
    });
    answers.push(
      answer
        .catch(() => 'no answer')
        .then((name) => {
          const found = times.get(name) ?? [];
          found.push(performance.now() - due);
          times.set(name, found);
        }),
    );
  }
  await Promise.all(answers);
  return times;
}

const quantile = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];

try {
  const api = await startApiProcess({ folder, redisUrl: redis.url, roots: folder });
  children.push(api.child);
  const empty = await mebibytes();
  const jobs = Math.ceil(stageCount / perJob);
  const ids: string[] = [];
  for (let n = 0; n < jobs; n++) {
    const { view } = await queue.jobs.create({
      name: `fleet ${n}`,
      labels: {},
      owner: { name: `owner-${n % owners}`, jobs: 1e6 },
      posted: { padding: 'x'.repeat(2000) },
      spec: { padding: 'x'.repeat(2000) },
      plan,
    });
    ids.push(view.id);
  }
  const posted = await mebibytes();
  console.log(
    `${jobs} jobs of ${perJob} stages of ${owners} owners: ${(((posted - empty) / jobs) * 1024).toFixed(1)} KiB of Redis each`,
  );

  const script = resolve(import.meta.dirname, 'fleet-worker.ts');
  for (let host = 0; host < hosts; host++) {
    const task: FleetWorker = { redisUrl: redis.url, name: `host-${host}`, workers: each, stageMs, reportMs };
    const child = fork(script, [JSON.stringify(task)], { execArgv: ['--import', 'tsx'] });
    children.push(child);
    child.on('message', (count) => done.set(host, Number(count)));
    // Ten at a time, so that their starts do not take all of the machine.
    if (host % 10 === 9) await once(child, 'message');
  }
  await delay(2000);
  await ask('config', 'resetstat');
  const [begun, cpuBegun, doneBegun] = [performance.now(), await cpuSeconds(), allDone()];
  const finished = new AbortController();
  const asking = askOften(api.url, ids, finished.signal);
  const deadline = begun + limit * 1000;
  let mostRunning = 0;
  for (let shown = begun; allDone() < jobs * perJob && performance.now() < deadline; await delay(500)) {
    mostRunning = Math.max(mostRunning, Number(await ask('hlen', '{distillery}:work:running')));
    if (performance.now() - shown < 10_000) continue;
    shown = performance.now();
    const rateNow = (allDone() - doneBegun) / ((shown - begun) / 1000);
    console.log(`  ${allDone()} stages, ${rateNow.toFixed(0)} a second, ${mostRunning} at once at most`);
  }
  finished.abort();
  const count = allDone() - doneBegun;
  const seconds = (performance.now() - begun) / 1000;
  const share = (await cpuSeconds()) - cpuBegun;
  console.log(
    `${hosts} processes for ${hosts * each} workers: ${count} stages in ${seconds.toFixed(1)} s, ` +
      `${(count / seconds).toFixed(0)} a second; at most ${mostRunning} ran at once`,
  );
  console.log(
    `Redis: ${((100 * share) / seconds).toFixed(0)} % of a core, ${(await mebibytes()).toFixed(0)} MiB`,
  );
  console.log(
    `  ${((((await mebibytes()) - empty) / jobs) * 1024).toFixed(1)} KiB a job at its end, metrics included`,
  );
  await printCommands(seconds);
  console.log(`API, ${rate} requests a second, ms:            median     99 %  longest`);
  for (const [question, times] of await asking) {
    const sorted = times.toSorted((a, b) => a - b);
    const figures = [quantile(sorted, 0.5), quantile(sorted, 0.99), sorted.at(-1) ?? 0];
    const columns = figures.map((value) => value.toFixed(1).padStart(9)).join('');
    console.log(`  ${`${question} (${sorted.length})`.padEnd(40)}${columns}`);
  }
} finally {
  for (const child of children) child.kill('SIGKILL');
  await queue.close();
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
}

/** What Redis spent its time on. */
async function printCommands(seconds: number): Promise<void> {
  const lines = (await ask('info', 'commandstats')).split('\r\n').flatMap((line) => {
    const match = /^cmdstat_(\S+?):calls=(\d+),usec=(\d+),usec_per_call=([\d.]+)/.exec(line);
    return match === null ? [] : [{ name: match[1], calls: Number(match[2]), usec: Number(match[3]) }];
  });
  for (const { name, calls, usec } of lines.sort((a, b) => b.usec - a.usec).slice(0, 5)) {
    const share = usec / (10_000 * seconds);
    console.log(
      `  ${name}: ${(calls / seconds).toFixed(0)} calls a second, ${(usec / calls).toFixed(0)} µs each, ${share.toFixed(0)} %`,
    );
  }
}
