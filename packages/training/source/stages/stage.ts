import type { Store } from '@distillery/store';
import type { DatasetContext } from '@distillery/datasets';
import type { EngineInfo, JobSpec, MetricRow, StagePlan, StageProgress } from '@distillery/spec';

/** What a stage is given, and what it tells while it runs. */
export interface StageContext {
  job: { id: string; name: string | null; spec: JobSpec };
  stage: StagePlan;
  /** Of the stage; older ones can commit no checkpoint any more once this one has begun to train. */
  attempt: number;
  /** What every stage before it returned, by stage. */
  results: Record<string, unknown>;
  store: Store;
  data: DatasetContext;
  engine: EngineInfo;
  tell: {
    metrics(row: Omit<MetricRow, 'stage' | 'attempt'>): void;
    progress(progress: StageProgress): void;
    warning(message: string): void;
  };
  /** Aborted when the stage must end early; its reason is a StopTraining. */
  signal: AbortSignal;
  /** Awaited between steps, so that the process can read its messages; throws the signal's reason once it is aborted. */
  pause(): Promise<void>;
}
