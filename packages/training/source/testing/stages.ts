import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '@distillery/store';
import { startEngine } from '@distillery/engine';
import type { JobSpec, MetricRow, SavedCheckpoint, SkippedData, StageProgress } from '@distillery/spec';
import type { StepMode } from '../components/step-mode.ts';
import { planJob } from '../planning/plan.ts';
import { runStage } from '../stages/run-stage.ts';

/** The reports of a stage while it ran. */
export interface Reported {
  rows: Omit<MetricRow, 'stage' | 'attempt'>[];
  progress: StageProgress[];
  warnings: string[];
  skipped: Omit<SkippedData, 'stage'>[];
  checkpoints: SavedCheckpoint[];
  /** Whether the stage has started the engine. */
  engine: boolean;
}

/**
 * A store and an engine for tests that run stages in their own process.
 *
 * @param roots folders that jobs may read
 */
export async function stageRunner(roots: string[] = []) {
  const folder = await mkdtemp(join(tmpdir(), 'distillery-stages-'));
  const warnings: string[] = [];
  const store = await openStore(join(folder, 'store'), { warn: (message) => warnings.push(message) });
  const engine = await startEngine();
  return {
    store,
    /** The folders that jobs may read. */
    data: { cacheDir: join(folder, 'data'), roots },
    /** The warnings of the store. */
    warnings,
    engine,
    remove: () => rm(folder, { recursive: true, force: true }),
    /** Plans a job; its stages are then run one by one. */
    plan: (id: string, spec: JobSpec) => planned(id, spec),
  };

  async function planned(id: string, spec: JobSpec) {
    const data = { cacheDir: join(folder, 'data'), roots };
    const { resolved: plan } = await planJob(spec, { ...data, store });
    const { stages } = plan;
    const results: Record<string, unknown> = {};
    const attempts = new Map<string, number>();
    return {
      stages,
      results,
      async run(
        stageId: string,
        pause: (reported: Reported) => Promise<void> = async () => {},
      ): Promise<Reported> {
        const reported: Reported = {
          rows: [],
          progress: [],
          warnings: [],
          skipped: [],
          checkpoints: [],
          engine: false,
        };
        const attempt = (attempts.get(stageId) ?? 0) + 1;
        attempts.set(stageId, attempt);
        results[stageId] = await runStage({
          job: { id, name: null, spec },
          plan,
          stage: stageId,
          attempt,
          results,
          records: stages.map((s) => ({
            id: s.id,
            worker: 'w',
            attempt: 1,
            startedAt: null,
            finishedAt: null,
          })),
          warnings: [],
          skippedData: [],
          store,
          data,
          engine: async () => {
            reported.engine = true;
            return engine;
          },
          emit: {
            metrics: (row) => reported.rows.push(row),
            progress: (progress) => reported.progress.push(progress),
            warning: (message) => reported.warnings.push(message),
            skipped: (data) => reported.skipped.push(data),
            checkpoint: (saved) => reported.checkpoints.push(saved),
          },
          signal: new AbortController().signal,
          pause: () => pause(reported),
        });
        if (engine.eagerSteps === null) expectCompiled(stageId, results[stageId]);
        return reported;
      },
    };
  }
}

/** Throws if a network of a result was trained operation by operation, which no test of this package intends. */
function expectCompiled(stage: string, result: unknown): void {
  if (typeof result !== 'object' || result === null) return;
  const { steps } = result as { steps?: StepMode | null };
  if (steps?.mode === 'eager') throw new Error(`the steps of ${stage} were not compiled: ${steps.reason}`);
  for (const part of Object.values(result)) expectCompiled(stage, part);
}
