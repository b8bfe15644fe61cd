import type { StageRun } from '@distillery/queue';
import type { Report } from './trainer-process.ts';

/** How long reports are gathered before they are written; a person's eye is no faster. */
const flushMs = 400;

/**
 * Gathers what a trainer reports and writes it in order, never two writes at once. A Redis that is slow or away slows
 * the trainer down in nothing: newer progress replaces older, rows wait.
 *
 * A write that is refused means that the stage is no longer ours; the run's signal tells the trainer so.
 */
export function createReporter(run: StageRun, onError: (error: unknown) => void) {
  let rows: Extract<Report, { type: 'metrics' }>['row'][] = [];
  let progress: Extract<Report, { type: 'progress' }>['progress'] | undefined;
  let warnings: string[] = [];
  let writing: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  async function write(): Promise<void> {
    const [newRows, newProgress, newWarnings] = [rows, progress, warnings];
    rows = [];
    progress = undefined;
    warnings = [];
    try {
      if (newRows.length > 0) await run.metrics(newRows);
      if (newProgress !== undefined) await run.progress(newProgress);
      for (const warning of newWarnings) await run.warning(warning);
    } catch (error) {
      onError(error);
    }
  }

  function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    writing = writing.then(write);
    return writing;
  }

  return {
    report(message: Report): void {
      if (message.type === 'metrics') rows.push(message.row);
      else if (message.type === 'progress') progress = message.progress;
      else warnings.push(message.message);
      timer ??= setTimeout(() => void flush(), flushMs);
    },
    /** Resolves when all that was reported is written. */
    flush,
  };
}
