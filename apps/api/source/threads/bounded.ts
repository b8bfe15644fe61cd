import { DistilleryError } from '@distillery/spec';

/** How many works run at once, and how many more may wait for their turn. */
export interface Bounds {
  atOnce: number;
  waiting: number;
}

/**
 * Returns a function that runs works in the order of its calls, within bounds. A work that fails ends its turn.
 *
 * @param what the works, in the plural, for the error
 * @throws DistilleryError `overloaded` when too many wait already
 */
export function bounded(what: string, { atOnce, waiting }: Bounds) {
  const queue: (() => void)[] = [];
  let running = 0;
  return async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (running < atOnce) running++;
    else if (queue.length < waiting) await new Promise<void>((begin) => queue.push(begin));
    else {
      const message = `${atOnce} ${what} run and ${waiting} wait, which is the most; send the request again later`;
      throw new DistilleryError('overloaded', message);
    }
    try {
      return await work();
    } finally {
      // The next work takes over the place of this one.
      const next = queue.shift();
      if (next === undefined) running--;
      else next();
    }
  };
}
