/**
 * Measures the cost of each term: training steps of a student with the term and cross-entropy, in turn with steps of the
 * same student with cross-entropy alone. They are stages of real jobs, which read stored teacher outputs and everything
 * else that a term needs. Prints the times, and writes bench/terms.json for `npm run catalogue`.
 *
 *   npm run bench:terms -- [--rounds 5] [--steps 12] [--batch 64] [--only soft_target,hint]
 *
 * With --only, it measures and prints some terms, and does not change the file.
 */
import { spawnSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { terms } from '@distillery/methods';
import { architectures } from '@distillery/models';
import { type Choice, DistilleryError, type JobSpec } from '@distillery/spec';
import { jobSpec, planJob } from '@distillery/training';
import { trainerEnvironment } from '@distillery/worker/trainer-environment';
import { stageRunner } from '@distillery/training/testing';
import { type TermCost, writeTermCosts } from './term-costs.ts';

/** The pairs of networks to try for a term, in order; then every network with itself is tried. */
const lightnn = { type: 'lightnn' };
const transformer = { type: 'vit', patch: 8, width: 48, heads: 3 };
const pairs: Choice[][] = [
  [{ type: 'deepnn' }, lightnn],
  [
    { ...transformer, depth: 4 },
    { ...transformer, depth: 2 },
  ],
  ...architectures.list.map(({ type }) => [{ type }, { type }]),
];

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    steps: { type: 'string', default: '12' },
    batch: { type: 'string', default: '64' },
    only: { type: 'string' },
  },
});
const [rounds, steps, batchSize] = [whole('rounds', 1), whole('steps', 4), whole('batch', 4)];
const all = terms.list.map(({ type }) => type);
const only = values.only?.split(',') ?? all;
const unknown = only.find((type) => !all.includes(type));
if (unknown !== undefined) throw new RangeError(`--only ${unknown}: it takes ${all.join(', ')}`);

// The allocator reads its settings when a process starts.
const tuned = Object.entries(trainerEnvironment).every(([name, value]) => process.env[name] === value);
if (tuned) await measure();
else {
  const env = { ...process.env, ...trainerEnvironment };
  const { status } = spawnSync(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    env,
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
}

async function measure(): Promise<void> {
  const [load] = loadavg();
  if (load > 0.5)
    print(`Other programs are running (load average ${load.toFixed(1)}), which affects the times.`);
  const runner = await stageRunner();
  const { backend, versions, threads } = runner.engine;
  try {
    const measured: Record<string, TermCost> = {};
    for (const type of only) {
      measured[type] = await costOf(type, runner);
      const { milliseconds, alone, ratio, student, teacher } = measured[type];
      const times = `${milliseconds.toFixed(1)} ms beside ${alone.toFixed(1)} ms`;
      print(`${type.padEnd(22)} ${ratio.toFixed(2)} ×   ${times}   (${teacher} → ${student})`);
    }
    if (values.only !== undefined) return;
    const engine = `${backend} ${versions.tensorflow ?? ''}`.trim();
    writeTermCosts({ engine, threads, batchSize, rounds, steps, terms: measured });
  } finally {
    await runner.remove();
  }
}

async function costOf(type: string, runner: Awaited<ReturnType<typeof stageRunner>>): Promise<TermCost> {
  const { spec, teacher, student } = await fittingJob(type);
  const measured: Pick<TermCost, 'milliseconds' | 'alone'>[] = [];
  // The first round allocates memory and compiles kernels.
  for (let round = 0; round <= rounds; round++) {
    const job = await runner.plan(`job_${type}_${round}`, spec);
    const times: number[] = [];
    for (const { id, kind } of job.stages) {
      if (kind === 'report') continue;
      const ends: number[] = [];
      await job.run(id, async ({ progress }) => {
        if (progress.at(-1)?.phase === 'training') ends.push(performance.now());
      });
      // The first step includes prefetching, the last one the end of the epoch.
      if (kind === 'student') times.push(median(ends.slice(1, -1).map((end, i) => end - ends[i])));
    }
    const [alone, milliseconds] = times;
    if (round > 0) measured.push({ milliseconds, alone });
  }
  return {
    teacher,
    student,
    milliseconds: rounded(median(measured.map((pair) => pair.milliseconds))),
    alone: rounded(median(measured.map(({ alone }) => alone))),
    ratio: rounded(median(measured.map(({ milliseconds, alone }) => milliseconds / alone))),
  };
}

/** Returns a job with a student of the term and its control, for the first pair of networks that the term fits. */
async function fittingJob(type: string): Promise<{ spec: JobSpec; teacher: string; student: string }> {
  // Different networks share hardly any parameter names and shapes.
  const own = terms
    .catalogue()
    .find((entry) => entry.type === type)
    ?.needs?.includes('parameters');
  for (const [teacher, student] of own ? [[lightnn, lightnn]] : pairs) {
    const spec = jobSpec.safeParse({
      dataset: { source: 'shapes', trainCount: batchSize * steps, testCount: 50 },
      teacher: { architecture: teacher },
      students: [
        { name: 'alone', architecture: student, method: [{ type: 'cross_entropy' }] },
        { name: 'term', architecture: student, method: [{ type }, { type: 'cross_entropy' }] },
      ],
      baseline: false,
      seeds: [1],
      training: { epochs: 1, batchSize },
      validation: 0,
    });
    if (!spec.success) continue;
    try {
      await planJob(spec.data, { cacheDir: '', roots: [] });
      return { spec: spec.data, teacher: teacher.type, student: student.type };
    } catch (error) {
      if (!(error instanceof DistilleryError)) throw error;
    }
  }
  throw new Error(`${type} fits no networks that are tried`);
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function rounded(number: number): number {
  return Math.round(100 * number) / 100;
}

function whole(name: 'rounds' | 'steps' | 'batch', least: number): number {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value >= least) return value;
  throw new RangeError(`--${name} ${values[name]}: must be a whole number of at least ${least}`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
