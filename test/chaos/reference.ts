import { join } from 'node:path';
import { openStore } from '@distillery/store';
import { startEngine } from '@distillery/engine';
import type { JobSpecInput, Report } from '@distillery/spec';
import { jobSpec, planJob, runStage } from '@distillery/training';

/** The digests of the last and best weights of every network. */
export type Weights = Record<string, string>;

export function weightsOf({ teachers, students }: Report): Weights {
  const runs = [...teachers, ...students.flatMap(({ name, runs }) => runs.map((run) => ({ ...run, name })))];
  return Object.fromEntries(
    runs.flatMap(({ name, seed, last, best }) =>
      Object.entries({ last, best }).map(([which, { weights }]) => [
        `${name} ${seed} ${which}`,
        weights.digest,
      ]),
    ),
  );
}

const silent = {
  metrics: () => {},
  progress: () => {},
  warning: () => {},
  skipped: () => {},
  checkpoint: () => {},
};

/**
 * Returns the weights of jobs that run without faults, each with a separate store, stage by stage, in this process.
 *
 * TF_NUM_INTRAOP_THREADS must be the same as for the workers, because the number of threads changes the order of sums.
 */
export async function withoutFaults(
  folder: string,
  jobs: readonly { name: string; spec: JobSpecInput }[],
): Promise<Map<string, Weights>> {
  const data = { cacheDir: join(folder, 'data'), roots: [] };
  const found = new Map<string, Weights>();
  for (const { name, spec: input } of jobs) {
    const store = await openStore(join(folder, name));
    const spec = jobSpec.parse(input);
    const { resolved: plan } = await planJob(spec, data);
    const records = plan.stages.map(({ id }) => ({
      id,
      worker: null,
      attempt: 1,
      startedAt: null,
      finishedAt: null,
    }));
    const results: Record<string, unknown> = {};
    for (const stage of plan.stages) {
      results[stage.id] = await runStage({
        job: { id: 'job_undisturbed', name: null, spec },
        plan,
        stage: stage.id,
        attempt: 1,
        results,
        records,
        store,
        data,
        engine: () => startEngine(),
        warnings: [],
        skippedData: [],
        emit: silent,
        signal: new AbortController().signal,
        pause: async () => {},
      });
    }
    found.set(name, weightsOf((results.report as { report: Report }).report));
  }
  return found;
}
