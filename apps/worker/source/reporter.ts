import type { StageRun } from '@distillery/queue';
import type { LogLine } from '@distillery/spec';
import type { Report } from './messages.ts';

/** How long reports are gathered before they are written, in ms; no person looks more often. */
const flushMs = 400;
/** Rows and lines of one write. */
const batchSize = 1000;
/** Most rows that wait for Redis, some tens of megabytes. */
const maxRows = 100_000;
/** Most warnings that wait for Redis. */
const maxWarnings = 1000;
/** Most log lines of one attempt; beyond them only errors are written, as many again. */
const maxLines = 500;

type Row = Extract<Report, { type: 'metrics' }>['row'];
type Waiting = { [type in 'progress' | 'checkpoint']: Extract<Report, { type: type }> | undefined };

/**
 * Gathers the reports of a trainer and writes them in order, never two writes at once. A Redis that is slow, full or away
 * does not slow the trainer down: newer progress replaces older; rows wait, and the oldest of very many are thinned out.
 *
 * A write that is refused means that the stage is no longer ours; the run's signal stops the trainer then.
 *
 * @param onError is called with every error of a write; the reports of that write are lost
 */
export function createReporter(run: StageRun, onError: (error: unknown) => void) {
  let rows: Row[] = [];
  let newest: Waiting = { progress: undefined, checkpoint: undefined };
  let warnings: string[] = [];
  let skipped: Extract<Report, { type: 'skipped' }>['data'][] = [];
  let lines: LogLine[] = [];
  let accepted = 0;
  let thinned = 0;
  let writing: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;

  const anythingWaits = () =>
    newest.progress !== undefined ||
    newest.checkpoint !== undefined ||
    [rows, warnings, skipped, lines].some(({ length }) => length > 0);

  /** Writes until nothing is left. */
  async function write(): Promise<void> {
    try {
      while (anythingWaits()) {
        const batch = { ...newest, warnings, skipped, lines: lines.splice(0, batchSize) };
        const newRows = rows.splice(0, batchSize);
        newest = { progress: undefined, checkpoint: undefined };
        [warnings, skipped] = [[], []];
        if (newRows.length > 0) await run.metrics(newRows);
        if (batch.progress !== undefined) await run.progress(batch.progress.progress);
        if (batch.lines.length > 0) await run.log(batch.lines);
        for (const data of batch.skipped) await run.skipped(data);
        for (const warning of batch.warnings) await run.warning(warning);
        if (batch.checkpoint !== undefined) await run.checkpoint(batch.checkpoint.saved);
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

  /** Leaves out every other row: a curve of half as many points is still that curve. Its newest point stays. */
  function thinOut(): void {
    const kept = rows.filter((_, i) => (rows.length - i) % 2 === 1);
    thinned += rows.length - kept.length;
    rows = kept;
  }

  function takeLine(line: LogLine): void {
    if (accepted >= (line.level === 'error' ? 2 * maxLines : maxLines)) return;
    accepted++;
    lines.push(line);
    if (accepted !== maxLines) return;
    const message = `further lines below the level error are in the worker's own log alone`;
    lines.push({ source: 'supervisor', level: 'info', message });
  }

  return {
    report(message: Report): void {
      if (message.type === 'metrics') rows.push(message.row);
      else if (message.type === 'progress') newest.progress = message;
      else if (message.type === 'checkpoint') newest.checkpoint = message;
      else if (message.type === 'skipped') skipped.push(message.data);
      else if (message.type === 'log') takeLine(message.line);
      else if (warnings.length < maxWarnings) warnings.push(message.message);
      if (rows.length >= maxRows) thinOut();
      timer ??= setTimeout(() => void flush(), flushMs);
    },
    /** Resolves when all that was reported is written. */
    flush,
  };
}
