import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jobSpec, planJob } from '@distillery/training';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Outcome, Task } from './messages.ts';
import { runTask } from './trainer-process.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-threads-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** @param stopAtCheckpoint whether to stop the trainer when it has committed its first checkpoint */
function run(task: Task, threads: number, stopAtCheckpoint = false): Promise<Outcome> {
  const stop = new AbortController();
  return runTask(task, {
    settings: { TF_NUM_INTRAOP_THREADS: String(threads) },
    threads,
    stallMs: 600_000,
    graceMs: 600_000,
    signal: stop.signal,
    report({ type }) {
      if (stopAtCheckpoint && type === 'checkpoint') stop.abort();
    },
    log: pino({ level: 'silent' }),
  });
}

test('a run that is resumed on another number of threads goes on with its own, and ends with the same bytes', {
  timeout: 300_000,
}, async () => {
  const architecture = { type: 'resnet', depth: 8 };
  const spec = jobSpec.parse({
    dataset: { source: 'shapes', trainCount: 200, testCount: 50 },
    teacher: { architecture },
    students: [{ name: 'one', architecture, method: [{ type: 'cross_entropy' }] }],
    training: { epochs: 4, batchSize: 32 },
  });
  const { resolved: plan } = await planJob(spec, { cacheDir: join(folder, 'data'), roots: [] });
  const at = (where: string, attempt = 1): Task => ({
    job: { id: 'job_t', name: null, spec },
    plan,
    stage: 'teacher',
    attempt,
    results: {},
    records: [],
    warnings: [],
    skippedData: [],
    storeDir: join(folder, where),
    dataDir: join(folder, 'data'),
    roots: [],
  });
  const whole = await run(at('whole'), 2);
  expect(await run(at('cut'), 2, true)).toEqual({ type: 'stopped' });
  const resumed = await run(at('cut', 2), 1);
  const other = await run(at('other'), 1);
  const [expected, actual, elsewhere] = [whole, resumed, other].map(teacherOf);
  expect(actual).toEqual(expected);
  expect(expected.threads).toBe(2);
  // Otherwise this test could not fail.
  expect(elsewhere.weights).not.toBe(expected.weights);
});

/** The digest of the trained weights, and the number of threads. */
function teacherOf(outcome: Outcome): { weights: string; threads: number } {
  if (outcome.type !== 'done') throw new Error(outcome.type);
  const { result } = outcome.result as {
    result: { last: { weights: { digest: string } }; engine: { threads: number } };
  };
  return { weights: result.last.weights.digest, threads: result.engine.threads };
}
