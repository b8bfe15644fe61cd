import type { Forward } from './network.ts';
import { observed } from './observe.ts';
import { trace } from './trace.ts';

/** Ends the walk through a network once a tap has been reached. */
class Reached extends Error {}

/**
 * Cuts a network at a tap, which becomes its output. Later layers are never walked, so they have no parameters, taps or
 * cost.
 *
 * @throws RangeError when it is walked, if the network has no such tap
 */
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

/** Returns the name of the map whose mean over positions is the given tap; undefined if the tap is no such mean. */
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
      // Operations that keep the shape return the same array, so a copy is needed to tell results apart.
      const own: unknown = Array.isArray(result) ? [...(result as unknown[])] : result;
      if (operation === 'globalAveragePool') means.set(own, given[0]);
      return own;
    });
    return forward(watched, x);
  }, inputShape);
  return found;
}
