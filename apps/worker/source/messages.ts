import type { EngineInfo, ErrorCode, JobPlan, MetricRow, StageProgress } from '@distillery/spec';
import type { StageRecord } from '@distillery/training';

/** What the supervisor and its trainer say to each other over the child's IPC channel: JSON, so no NaN or Infinity. */

/** A stage's whole task; the trainer reads nothing else. */
export interface Task {
  /** The spec as the record has it: whether this version knows all of it is for the trainer to find out. */
  job: { id: string; name: string | null; spec: unknown };
  plan: JobPlan;
  /** The stage's id. */
  stage: string;
  attempt: number;
  results: Record<string, unknown>;
  records: StageRecord[];
  storeDir: string;
  dataDir: string;
  roots: string[];
}

export type ToTrainer = { type: 'run'; task: Task } | { type: 'stop' };

export type FromTrainer =
  | { type: 'engine'; engine: EngineInfo }
  | { type: 'progress'; progress: StageProgress }
  | { type: 'metrics'; row: Omit<MetricRow, 'stage' | 'attempt'> }
  | { type: 'warning'; message: string }
  /** A sign of life of the loop; everything else is one too. */
  | { type: 'alive' }
  | { type: 'done'; result: unknown }
  | { type: 'stopped' }
  | { type: 'failed'; code: ErrorCode; message: string; stack: string };
