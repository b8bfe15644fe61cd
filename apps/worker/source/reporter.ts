import type { StageRun } from '@distillery/queue';
import type { Report } from './trainer-process.ts';

/** How long reports are gathered before they are written; a person's eye is no faster. */
const flushMs = 400;
/** Rows of one write. */
const batchRows = 1000;
/** Rows that wait for Redis at most, some tens of megabytes. */
const maxRows = 100_000;
const maxWarnings = 1000;

type Row = Extract<Report, { type: 'metrics' }>['row'];

/**
 * Gathers what a trainer reports and writes it in order, never two writes at once. A Redis that is slow, full or away
 * slows the trainer down in nothing: newer progress replaces older; rows wait, the oldest of very many being thinned out.
 *
 * A write that is refused means that the stage is no longer ours; the run's signal tells the trainer so.
 */
export function createReporter(run: StageRun, onError: (error: unknown) => void) {
  let rows: Row[] = [];
  let progress: Extract<Report, { type: 'progress' }>['progress'] | undefined;
  let warnings: string[] = [];
  let thinned = 0;
  let writing: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  /** Until nothing is left. */
  async function write(): Promise<void> {
    try {
      while (rows.length > 0 || progress !== undefined || warnings.length > 0) {
        const newRows = rows.splice(0, batchRows);
        const [newProgress, newWarnings] = [progress, warnings];
        progress = undefined;
        warnings = [];
        if (newRows.length > 0) await run.metrics(newRows);
        if (newProgress !== undefined) await run.progress(newProgress);
        for (const warning of newWarnings) await run.warning(warning);
        if (thinned > 0 && rows.length === 0) {
          warnings.push(
            `${thinned} rows of metrics were left out: Redis could not be written to for too long`,
          );
          thinned = 0;
        }
      }
    } catch (error) {
      onError(error);
    }
  }

  function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    writing ??= write().finally(() => {
      writing = undefined;
    });
    return writing;
  }

  /** A curve of half as many points is still that curve; its newest point stays. */
  function thinOut(): void {
    const kept = rows.filter((_, i) => (rows.length - i) % 2 === 1);
    thinned += rows.length - kept.length;
    rows = kept;
  }

  return {
    report(message: Report): void {
      if (message.type === 'metrics') rows.push(message.row);
      else if (message.type === 'progress') progress = message.progress;
      else if (warnings.length < maxWarnings) warnings.push(message.message);
      if (rows.length >= maxRows) thinOut();
      timer ??= setTimeout(() => void flush(), flushMs);
    },
    /** Resolves when all that was reported is written. */
    flush,
  };
}
