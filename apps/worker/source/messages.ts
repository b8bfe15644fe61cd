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
 * The messages between a supervisor and its trainer over the child's IPC channel. They are JSON, so NaN and Infinity do
 * not pass. A trainer is asked to stop by SIGTERM, not by a message.
 */

/** The whole task of a stage; the trainer reads nothing else. */
export interface Task extends JobRecord {
  /** The spec as the record has it: whether this version knows all of it is for the trainer to find out. */
  job: { id: string; name: string | null; spec: unknown };
  plan: JobPlan;
  /** The stage's id. */
  stage: string;
  attempt: number;
  results: Record<string, unknown>;
  storeDir: string;
  dataDir: string;
  roots: string[];
}

export type ToTrainer = { type: 'run'; task: Task };

/** What a trainer reports while it works. */
export type Report =
  | { type: 'progress'; progress: StageProgress }
  | { type: 'metrics'; row: Omit<MetricRow, 'stage' | 'attempt'> }
  | { type: 'warning'; message: string }
  | { type: 'skipped'; data: Omit<SkippedData, 'stage'> }
  | { type: 'checkpoint'; saved: SavedCheckpoint }
  | { type: 'log'; line: LogLine };

/** What a trainer ends with. */
export type Outcome = { type: 'done'; result: unknown } | { type: 'stopped' };

export type FromTrainer =
  | Report
  | Outcome
  /** The answer of a probe. */
  | { type: 'engine'; engine: EngineInfo }
  /** A sign of life of the loop; every other message is one too. */
  | { type: 'alive' }
  | { type: 'failed'; code: ErrorCode; message: string; stack: string };
