import { DistilleryError, type LogLine, type SavedCheckpoint, type StageProgress } from '@distillery/spec';
import type { Attempt, Fence, JobOfAttempt, NewMetricRow, NewSkippedData } from '../records/attempts.ts';

/**
 * A stage that a worker has taken. Its writers reject with `stale_attempt`, and abort the signal, once the stage belongs
 * to a newer attempt or its job has ended.
 */
export interface StageRun extends Attempt, JobOfAttempt {
  /** Aborts when the consumer closes or the stage is no longer ours: the handler then ends soon, by rejecting. */
  signal: AbortSignal;
  progress(progress: StageProgress): Promise<void>;
  metrics(rows: readonly NewMetricRow[]): Promise<void>;
  warning(message: string): Promise<void>;
  skipped(data: NewSkippedData): Promise<void>;
  checkpoint(saved: SavedCheckpoint): Promise<void>;
  log(lines: readonly LogLine[]): Promise<void>;
}

/** The writers of an attempt. They write one after the other, also where a write has to be sent again. */
export function stageRun(
  attempts: Fence,
  begun: Attempt & JobOfAttempt,
  controller: AbortController,
): StageRun {
  let last: Promise<void> = Promise.resolve();
  let number = 0;
  const inTurn = (write: () => Promise<void>) => {
    const written = last.then(write).catch((error: unknown) => {
      if (isStale(error)) controller.abort(error);
      throw error;
    });
    last = written.catch(() => {});
    return written;
  };
  return {
    ...begun,
    signal: controller.signal,
    progress: (progress) => inTurn(() => attempts.progress(begun, progress)),
    metrics: (rows) => inTurn(() => attempts.metrics(begun, rows, ++number)),
    warning: (message) => inTurn(() => attempts.warning(begun, message, ++number)),
    skipped: (data) => inTurn(() => attempts.skipped(begun, data)),
    checkpoint: (saved) => inTurn(() => attempts.checkpoint(begun, saved)),
    log: (lines) => inTurn(() => attempts.log(begun, lines, ++number)),
  };
}

export function isStale(error: unknown): boolean {
  return error instanceof DistilleryError && error.code === 'stale_attempt';
}
