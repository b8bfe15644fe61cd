import type { Forward } from './network.ts';
import { observed } from './observe.ts';
import { trace } from './trace.ts';

/** Ends a walk through a network where it has what was wanted. */
class Reached extends Error {}

/** A network up to a tap: what comes after is never walked, so it has no parameters, taps or work. */
export function upTo(forward: Forward, tap: string): Forward {
  return <T>(net: Parameters<typeof forward<T>>[0], x: T): T => {
    const found: T[] = [];
    const watched = observed(net, (operation, call) =>
      operation !== 'tap'
        ? undefined
        : (name, y) => {
            const tapped = call(name, y) as T;
            if (name !== tap) return tapped;
            found.push(tapped);
            throw new Reached();
          },
    );
    try {
      forward(watched, x);
    } catch (error) {
      if (!(error instanceof Reached) || found.length === 0) throw error;
      return found[0];
    }
    throw new RangeError(`the network has no tap ${JSON.stringify(tap)}`);
  };
}

/** The name of the map of whose channels a tap is the mean, with nothing in between; undefined where it is not one. */
export function pooledMap(forward: Forward, inputShape: number[], tap: string): string | undefined {
  const names = new Map<unknown, string>();
  const means = new Map<unknown, unknown>();
  let found: string | undefined;
  trace((net, x) => {
    const watched = observed(net, (operation, call) => (...given) => {
      const result = call(...given);
      if (operation === 'tap') {
        const [name, y] = given as [string, unknown];
        names.set(y, name);
        if (name === tap) found = names.get(means.get(y));
        return result;
      }
      // Operations that keep a shape hand on the same one: a copy tells their results apart.
      const own: unknown = Array.isArray(result) ? [...(result as unknown[])] : result;
      if (operation === 'globalAveragePool') means.set(own, given[0]);
      return own;
    });
    return forward(watched, x);
  }, inputShape);
  return found;
}
