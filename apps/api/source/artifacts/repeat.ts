/**
 * Runs a work from time to time, never twice at once, until it is closed. It keeps no process alive.
 *
 * @param work must not reject
 */
export function repeat(everyMs: number, work: () => Promise<void>) {
  let running: Promise<void> | undefined;
  const run = () => {
    running ??= work().finally(() => {
      running = undefined;
    });
  };
  const timer = setInterval(run, everyMs);
  timer.unref();
  return {
    /** Runs the work now, unless it runs. */
    run,
    /** Ends the repetition, and waits for a run in progress. */
    async close(): Promise<void> {
      clearInterval(timer);
      await running;
    },
  };
}
