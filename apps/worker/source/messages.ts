import type {
  EngineInfo,
  ErrorCode,
  JobPlan,
  LogLine,
  MetricRow,
  SavedCheckpoint,
  SkippedData,
  StageProgress,
} from '@distillery/spec';
import type { JobRecord } from '@distillery/training';

/**
 * The messages between a supervisor and its trainer, over the IPC channel of the child process. They are JSON, which has
 * no NaN and no Infinity. SIGTERM, not a message, asks a trainer to stop.
 */

/** Everything that a trainer needs to run a stage; it reads nothing from Redis. */
export interface Task extends JobRecord {
  /** The job. Its spec is as stored: the trainer checks that this version knows every field. */
  job: { id: string; name: string | null; spec: unknown };
  plan: JobPlan;
  /** The id of the stage. */
  stage: string;
  attempt: number;
  results: Record<string, unknown>;
  storeDir: string;
  dataDir: string;
  roots: string[];
}

export type ToTrainer = { type: 'run'; task: Task };

/** Reports of a trainer while it runs. */
export type Report =
  | { type: 'progress'; progress: StageProgress }
  | { type: 'metrics'; row: Omit<MetricRow, 'stage' | 'attempt'> }
  | { type: 'warning'; message: string }
  | { type: 'skipped'; data: Omit<SkippedData, 'stage'> }
  | { type: 'checkpoint'; saved: SavedCheckpoint }
  | { type: 'log'; line: LogLine };

/** How a trainer ended, unless it failed. `lost`: earlier stages must run again before its own. */
export type Outcome =
  | { type: 'done'; result: unknown }
  | { type: 'stopped' }
  | { type: 'lost'; stages: readonly string[]; message: string };

export type FromTrainer =
  | Report
  | Outcome
  /** The result of a probe. */
  | { type: 'engine'; engine: EngineInfo }
  /** A heartbeat of the training loop; every other message counts as one, too. */
  | { type: 'alive' }
  | { type: 'failed'; code: ErrorCode; message: string; stack: string };
