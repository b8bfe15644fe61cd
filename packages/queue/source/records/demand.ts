import type { Demand, DemandState } from '@distillery/spec';
import { type Client, guarded } from '../redis/connection.ts';
import type { Keys } from '../redis/keys.ts';
import { run } from '../redis/script.ts';
import { demandScript } from '../scripts/demand.ts';

/** Reads how many stages ask for a worker, by what they require. It needs no worker to be alive. */
export function demandReader(redis: Client, keys: Keys): () => Promise<Demand[]> {
  return guarded(async () => {
    const reply = (await run(redis, demandScript, [keys.ready, keys.delayed, keys.running], [])) as (
      | string
      | number
    )[];
    const counts = new Map<string, Demand>();
    for (let i = 0; i < reply.length; i += 3) {
      const [state, text, count] = reply.slice(i, i + 3) as [DemandState, string, number];
      const found = counts.get(text) ?? {
        requires: text === '-' ? [] : text.split(','),
        ready: 0,
        delayed: 0,
        running: 0,
      };
      found[state] = count;
      counts.set(text, found);
    }
    return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, demand]) => demand);
  });
}
