import { setImmediate } from 'node:timers/promises';

/**
 * Returns a function that runs works one after the other, in the order of the calls, and lets the process answer other
 * requests between two of them. A work that fails ends its turn.
 */
export function oneAtATime() {
  let last: Promise<unknown> = Promise.resolve();
  return <Result>(work: () => Promise<Result>): Promise<Result> => {
    const result = last.then(() => setImmediate()).then(work);
    last = result.catch(() => {});
    return result;
  };
}
