import type { DistilleryQueue } from '@distillery/queue';
import type { ScrubReport } from '@distillery/spec';
import type { Store } from '@distillery/store';
import { newScrub, type ScrubChoice, scrubStore } from './scrub.ts';

const reportEveryMs = 1000;

/** Runs scrubs in the background, one at a time in the whole service. */
export interface Scrubber {
  /** Begins a scrub, or returns the report of the one that runs. */
  start(choice: ScrubChoice): Promise<ScrubReport>;
  /** Stops a scrub of this process. */
  close(): Promise<void>;
}

export function createScrubber(queue: DistilleryQueue, store: Store): Scrubber {
  const closing = new AbortController();
  let running: Promise<void> | undefined;
  return {
    async start(choice) {
      const report = newScrub(choice);
      if (!(await queue.scrubs.begin(report))) return (await queue.scrubs.read()) ?? report;
      running = scrub(report);
      return report;
    },
    async close() {
      closing.abort();
      await running;
    },
  };

  async function scrub(report: ScrubReport): Promise<void> {
    // A report that Redis does not take now is written with the next one.
    const write = () => queue.scrubs.write(report).catch(() => undefined);
    const timer = setInterval(() => void write(), reportEveryMs);
    try {
      await scrubStore(queue, store, report, closing.signal);
      report.state = 'done';
    } catch (error) {
      report.state = closing.signal.aborted ? 'stopped' : 'failed';
      report.error = closing.signal.aborted ? null : error instanceof Error ? error.message : String(error);
    } finally {
      clearInterval(timer);
    }
    report.finishedAt = new Date().toISOString();
    await write();
  }
}
