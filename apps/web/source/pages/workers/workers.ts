import type { EngineInfo, JobState } from '@distillery/spec';

/** What `GET /v1/workers` answers. */
export interface WorkersAnswer {
  workers: WorkerView[];
  queue: { ready: number; running: number; jobs: Partial<Record<JobState, number>> };
}

export interface WorkerView {
  id: string;
  host: string;
  engine: EngineInfo;
  startedAt: string;
  seenAt: string;
  memoryBytes: number | null;
  /** The stages that it runs at once. */
  trainers: number;
  stages: RunningStage[];
}

export interface RunningStage {
  job: string;
  jobName: string | null;
  stage: string;
  attempt: number;
  startedAt: string | null;
  progress: { fraction: number; phase: string } | null;
}
