import type { Client } from '@distillery/client';
import type { JobView } from '@distillery/spec';
import { jobCurves } from './job-curves.ts';
import { liveRegion } from './live-region.ts';
import { progressLog } from './progress.ts';
import { watchLines } from './watch-view.ts';

export interface WatchContext {
  client: Client;
  out: NodeJS.WriteStream;
  onInterrupt?(tidy: () => string): void;
  /** Ends the watch, which throws the reason of the signal. */
  signal?: AbortSignal;
}

/** Shows the views of a job, one after the other. */
interface Display {
  show(job: JobView): void;
  /** Writes a line that stays. */
  note(text: string): void;
  /** Shows what was not read yet. */
  settle(): Promise<void>;
  end(): void;
}

/**
 * Shows a job's progress until it ends: as a live table on a terminal, as a log elsewhere. An API that stops responding in
 * between, as it does during a restart, is asked again until it responds: a job can take longer than the API stays up.
 *
 * @throws Error with the job's reason, unless it succeeds; ConnectionError when the API cannot be reached at first
 */
export async function watchJob(context: WatchContext, id: string): Promise<JobView> {
  const { client, out, onInterrupt, signal } = context;
  const stop = new AbortController();
  const display = out.isTTY ? liveTable(client, out, id, stop.signal) : progressLog(out);
  onInterrupt?.(() => {
    display.end();
    return `  ${id} goes on; follow it with: distill watch ${id}`;
  });
  let last: JobView | undefined;
  let lost = false;
  const onLost = () => {
    if (!lost) display.note('  the API does not respond; trying again until it does');
    lost = true;
  };
  try {
    const options = { interval: out.isTTY ? 300 : 1000, signal, onLost };
    for await (const view of client.jobs.watch(id, options)) {
      last = view;
      lost = false;
      display.show(view);
    }
    await display.settle();
  } finally {
    stop.abort();
    display.end();
    onInterrupt?.(() => '');
  }
  if (last?.state !== 'succeeded') {
    const { state, reason = null } = last ?? {};
    throw new Error(`${id} ${state}${reason === null ? '' : ` (${reason.code}): ${reason.message}`}`);
  }
  return last;
}

/** Milliseconds between two readings of the curves. */
const curvesMs = 1000;

function liveTable(client: Client, out: NodeJS.WriteStream, id: string, signal: AbortSignal): Display {
  const region = liveRegion(out);
  const curves = jobCurves(client, id, signal);
  let job: JobView | undefined;
  const draw = () => {
    if (job === undefined || signal.aborted) return;
    region.draw(watchLines(job, curves.of, { width: out.columns ?? 80, height: out.rows ?? 24 }));
  };
  const timer = setInterval(() => void curves.read().then(draw), curvesMs);
  void curves.read().then(draw);
  out.on('resize', draw);
  return {
    show(view) {
      job = view;
      draw();
    },
    note: region.note.bind(region),
    settle: () => curves.read().then(draw),
    end() {
      clearInterval(timer);
      out.off('resize', draw);
      // The table of a finished job stays, as the record of what happened.
      region.end(true);
    },
  };
}
