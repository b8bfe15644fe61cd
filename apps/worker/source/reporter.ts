import type { StageRun } from '@distillery/queue';
import type { LogLine } from '@distillery/spec';
import type { Report } from './messages.ts';

/** How long reports are collected before they are written, in ms. A view that is this recent looks live. */
const flushMs = 400;
/** The most rows or lines of one write. */
const batchSize = 1000;
/** The most rows that wait for Redis: some tens of megabytes. */
const maxRows = 100_000;
/** The most warnings that wait for Redis. */
const maxWarnings = 1000;
/** The most log lines of one attempt. After them only errors are written, at most as many again. */
const maxLines = 500;

type Row = Extract<Report, { type: 'metrics' }>['row'];
type Waiting = { [type in 'progress' | 'checkpoint']: Extract<Report, { type: type }> | undefined };

/**
 * Collects the reports of a trainer and writes them to Redis in order, one write at a time. A Redis that is slow, full or
 * unreachable does not slow the trainer down: newer progress replaces older, and metrics wait. When too many wait, every
 * other row is dropped.
 *
 * A refused write means that another attempt has taken the stage; the signal of the run then stops the trainer.
 *
 * @param onError receives every error of a write; the reports of that write are lost
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

  /** Writes until nothing waits. */
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
            `${thinned} rows of metrics were dropped, because Redis was unreachable or full for too long`,
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

  /** Drops every other row, so that the curve keeps its shape, and keeps the newest. */
  function thinOut(): void {
    const kept = rows.filter((_, i) => (rows.length - i) % 2 === 1);
    thinned += rows.length - kept.length;
    rows = kept;
  }

  function addLine(line: LogLine): void {
    if (accepted >= (line.level === 'error' ? 2 * maxLines : maxLines)) return;
    accepted++;
    lines.push(line);
    if (accepted !== maxLines) return;
    const message = `further lines below level error are only in the log of the worker`;
    lines.push({ source: 'supervisor', level: 'info', message });
  }

  return {
    report(message: Report): void {
      if (message.type === 'metrics') rows.push(message.row);
      else if (message.type === 'progress') newest.progress = message;
      else if (message.type === 'checkpoint') newest.checkpoint = message;
      else if (message.type === 'skipped') skipped.push(message.data);
      else if (message.type === 'log') addLine(message.line);
      else if (warnings.length < maxWarnings) warnings.push(message.message);
      if (rows.length >= maxRows) thinOut();
      timer ??= setTimeout(() => void flush(), flushMs);
    },
    /** Writes everything that waits; resolves when it is written. */
    flush,
  };
}
