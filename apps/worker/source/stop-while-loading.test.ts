import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jobSpec, loadPlugins, planJob } from '@distillery/training';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Report, Task } from './messages.ts';
import { runTask } from './trainer-process.ts';

let folder: string;
let plugin: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'distillery-stop-'));
  plugin = join(folder, 'stuck.mjs');
  await writeFile(plugin, stuck);
  // Before the first spec is parsed.
  await loadPlugins([plugin]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** @param dataset the data of the first stage, which takes long to load */
async function slowTask(dataset: object): Promise<Task> {
  const architecture = { type: 'lightnn' };
  const spec = jobSpec.parse({
    dataset,
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

/** A source whose data never load, and which does not look at the signal. */
const stuck = `
  import { z } from ${JSON.stringify(import.meta.resolve('zod'))};
  const outline = { trainCount: 100, testCount: 20, classes: ['a', 'b'], shape: [32, 32, 3] };
  export default {
    datasets: [{
      type: 'stuck',
      summary: 'Never loads.',
      options: z.strictObject({}),
      outline: async () => outline,
      load: () => new Promise(() => setInterval(() => {}, 1000)),
    }],
  };
`;

async function stoppedWhileLoading(task: Task, settings: Record<string, string> = {}) {
  const reports: Report[] = [];
  const stop = new AbortController();
  const outcome = await runTask(task, {
    settings,
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
  return reports.map((report) => (report.type === 'progress' ? report.progress.phase : report.type));
}

test('a trainer that is asked to stop while its data load ends by itself, without training', {
  timeout: 300_000,
}, async () => {
  // Many seconds to generate, and then minutes to train on.
  const task = await slowTask({ source: 'shapes', trainCount: 200_000, testCount: 100_000 });
  // A trainer that had loaded everything would have reported its first step before it checked the signal.
  expect(await stoppedWhileLoading(task)).toEqual(['loading']);
});

test('it does so although its data source never looks at the signal', { timeout: 300_000 }, async () => {
  const task = await slowTask({ source: 'stuck' });
  expect(await stoppedWhileLoading(task, { PLUGINS: plugin })).toEqual(['loading']);
});
