import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jobSpec, planJob } from '@distillery/training';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Report, Task } from './messages.ts';
import { runTask } from './trainer-process.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-stop-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A first stage whose data takes many seconds to generate, and then minutes to train on. */
async function slowTask(): Promise<Task> {
  const architecture = { type: 'lightnn' };
  const spec = jobSpec.parse({
    dataset: { source: 'shapes', trainCount: 200_000, testCount: 100_000 },
    teacher: { architecture },
    students: [{ name: 'one', architecture, method: [{ type: 'cross_entropy' }] }],
  });
  const { resolved: plan } = await planJob(spec, { cacheDir: join(folder, 'data'), roots: [] });
  return {
    job: { id: 'job_s', name: null, spec },
    plan,
    stage: 'teacher',
    attempt: 1,
    results: {},
    records: [],
    warnings: [],
    skippedData: [],
    storeDir: join(folder, 'store'),
    dataDir: join(folder, 'data'),
    roots: [],
  };
}

test('a trainer that is asked to stop while its data load ends by itself, without training', {
  timeout: 300_000,
}, async () => {
  const reports: Report[] = [];
  const stop = new AbortController();
  const outcome = await runTask(await slowTask(), {
    threads: 1,
    stallMs: 600_000,
    // Longer than the test may take: the trainer is never killed.
    graceMs: 600_000,
    signal: stop.signal,
    report(message) {
      // Output of the process, such as TensorFlow's, does not matter here.
      if (message.type !== 'log') reports.push(message);
      if (message.type === 'progress' && message.progress.phase === 'loading') stop.abort();
    },
    log: pino({ level: 'silent' }),
  });
  expect(outcome).toEqual({ type: 'stopped' });
  // A trainer that had loaded everything would have reported its first step before it checked the signal.
  expect(reports.map((report) => (report.type === 'progress' ? report.progress.phase : report.type))).toEqual(
    ['loading'],
  );
});
