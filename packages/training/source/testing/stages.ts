import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '@distillery/store';
import { startEngine } from '@distillery/engine';
import type { JobSpec, MetricRow, StageProgress } from '@distillery/spec';
import { planJob } from '../planning/plan.ts';
import { runStage } from '../stages/index.ts';

/** What a stage told while it ran. */
export interface Told {
  rows: Omit<MetricRow, 'stage' | 'attempt'>[];
  progress: StageProgress[];
  warnings: string[];
}

/**
 * A store and an engine for tests that run stages in their own process.
 *
 * @param roots folders that jobs may read
 */
export async function stageRunner(roots: string[] = []) {
  const folder = await mkdtemp(join(tmpdir(), 'distillery-stages-'));
  const store = await openStore(join(folder, 'store'));
  const engine = await startEngine();
  return {
    store,
    engine,
    remove: () => rm(folder, { recursive: true, force: true }),
    /** Plans a job; its stages are then run one by one. */
    plan: (id: string, spec: JobSpec) => planned(id, spec),
  };

  async function planned(id: string, spec: JobSpec) {
    const data = { cacheDir: join(folder, 'data'), roots };
    const { stages } = await planJob(spec, data);
    const results: Record<string, unknown> = {};
    const attempts = new Map<string, number>();
    return {
      stages,
      results,
      async run(stageId: string, pause: (told: Told) => Promise<void> = async () => {}): Promise<Told> {
        const told: Told = { rows: [], progress: [], warnings: [] };
        const stage = stages.find((s) => s.id === stageId);
        if (stage === undefined) throw new Error(stageId);
        const attempt = (attempts.get(stageId) ?? 0) + 1;
        attempts.set(stageId, attempt);
        results[stageId] = await runStage({
          job: { id, name: null, spec },
          stage,
          attempt,
          results,
          records: stages.map((s) => ({
            id: s.id,
            worker: 'w',
            attempt: 1,
            startedAt: null,
            finishedAt: null,
          })),
          store,
          data,
          engine,
          tell: {
            metrics: (row) => told.rows.push(row),
            progress: (progress) => told.progress.push(progress),
            warning: (message) => told.warnings.push(message),
          },
          signal: new AbortController().signal,
          pause: () => pause(told),
        });
        return told;
      },
    };
  }
}
