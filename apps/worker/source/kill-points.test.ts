import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { randomStream } from '@distillery/engine';
import type { JobPlan, StagePlan } from '@distillery/spec';
import { jobSpec, planJob } from '@distillery/training';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import type { FromTrainer, Task } from './messages.ts';
import { trainerEnvironment } from './trainer-environment.ts';

// A trainer is killed at random instants of every stage, while it starts, loads, trains, evaluates and stores, and
// another one continues from what is stored. KILLS sets the number of kills, KILL_SEED their instants.

const kills = Number(process.env.KILLS ?? 4);
const random = randomStream(Number(process.env.KILL_SEED ?? 1), 'kills');

const layers = [
  { layer: 'conv2d', filters: 4, kernel_size: 3, strides: 2, padding: 1, use_bias: false },
  { layer: 'batch_normalization' },
  { layer: 'activation', activation: 'relu' },
  { layer: 'max_pooling2d' },
  { layer: 'conv2d', name: 'stage2', filters: 6, kernel_size: 3, padding: 'same', activation: 'relu' },
  { layer: 'global_average_pooling2d' },
  { layer: 'dropout', rate: 0.3 },
];
const architecture = { type: 'layers', classifier: true, layers };
const spec = jobSpec.parse({
  dataset: { source: 'shapes', trainCount: 300, testCount: 100 },
  teacher: { architecture },
  students: [
    {
      name: 'factor',
      architecture,
      method: [
        { type: 'factor', student: 'stage2', teacher: 'stage2', epochs: 4 },
        { type: 'cross_entropy' },
      ],
    },
  ],
  baseline: false,
  training: {
    epochs: 5,
    batchSize: 16,
    optimizer: { type: 'adam' },
    augmentation: { transforms: [{ type: 'crop' }, { type: 'rand_augment' }, { type: 'mixup' }], views: 2 },
  },
  // A checkpoint with every row, so that many kills interrupt the writing of one.
  checkpoints: { everySeconds: 0 },
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-kills-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Runs a stage in a trainer; undefined when it was killed before the end. */
async function run(task: Task, killAfterMs: number): Promise<{ result: unknown; ms: number } | undefined> {
  const child = fork(join(inject('built'), 'apps/worker/source/trainer.js'), [], {
    execArgv: [],
    env: { ...trainerEnvironment, TF_NUM_INTRAOP_THREADS: '1', ...process.env },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const begun = performance.now();
  let last: FromTrainer | undefined;
  child.on('message', (message: FromTrainer) => {
    if (message.type === 'done' || message.type === 'failed') last = message;
  });
  child.send({ type: 'run', task });
  const gone = once(child, 'exit');
  const over = new AbortController();
  if (killAfterMs < Infinity) {
    void delay(killAfterMs, undefined, { signal: over.signal }).then(
      () => child.kill('SIGKILL'),
      () => {},
    );
  }
  await gone;
  over.abort();
  if (last === undefined) return undefined;
  if (last.type !== 'done') throw new Error(JSON.stringify(last));
  return { result: last.result, ms: performance.now() - begun };
}

function taskOf(where: string, plan: JobPlan, stage: StagePlan, results: Record<string, unknown>): Task {
  const records = plan.stages.map(({ id }) => ({
    id,
    worker: 'w',
    attempt: 1,
    startedAt: null,
    finishedAt: null,
  }));
  const job = { id: 'job_k', name: null, spec };
  const at = { storeDir: join(folder, where), dataDir: join(folder, 'data'), roots: [] };
  const record = { records, warnings: [], skippedData: [] };
  return { job, plan, stage: stage.id, attempt: 1, results, ...record, ...at };
}

/** Returns what must be equal: every digest and the scores on the validation split. */
function essence(results: unknown): unknown[] {
  const found: unknown[] = [];
  const walk = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return;
    const { digest, validationAccuracy } = value as Record<string, unknown>;
    if (digest !== undefined) found.push([path, digest]);
    if (validationAccuracy !== undefined) found.push([path, validationAccuracy]);
    for (const [key, inner] of Object.entries(value)) walk(inner, `${path}/${key}`);
  };
  walk(results, '');
  // A result that is read from the store again can have its keys in another order.
  return found.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

test(`${kills} kills at random instants of every stage change no byte`, { timeout: 900_000 }, async () => {
  const { resolved: plan } = await planJob(spec, { cacheDir: join(folder, 'data'), roots: [] });
  const undisturbed: Record<string, unknown> = {};
  const disturbed: Record<string, unknown> = {};
  const struck: string[] = [];
  for (const [index, stage] of plan.stages.entries()) {
    const whole = await run(taskOf('whole', plan, stage, undisturbed), Infinity);
    undisturbed[stage.id] = whole?.result;
    const task = taskOf('cut', plan, stage, disturbed);
    const due = Math.ceil((kills * (index + 1)) / plan.stages.length);
    // A stage that ends before its kill runs again, as after a worker that died before it stored the result.
    for (; struck.length < due; task.attempt++) {
      const done = await run(task, random.uniform() * (whole?.ms ?? 0));
      if (done === undefined) struck.push(stage.id);
    }
    disturbed[stage.id] = (await run(task, Infinity))?.result;
  }
  expect(plan.stages.map(({ kind }) => kind)).toEqual([
    'teacher',
    'outputs',
    'auxiliary',
    'student',
    'report',
  ]);
  expect(struck).toHaveLength(kills);
  expect(essence(disturbed)).toEqual(essence(undisturbed));
  expect(essence(undisturbed).length).toBeGreaterThan(12);
});
