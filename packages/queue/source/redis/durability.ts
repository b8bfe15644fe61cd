import { DistilleryError } from '@distillery/spec';
import type { Redis } from 'ioredis';
import { type Client, guarded, masters } from './connection.ts';

/**
 * Refuses a Redis that may forget, or a Cluster with such a node: jobs that were answered with 202 would be gone.
 *
 * @throws DistilleryError `redis_unavailable`, saying what to set; a Redis that cannot be reached is another matter, and
 *   whoever hides these facts is believed
 */
export function checkDurability(redis: Client): () => Promise<void> {
  return guarded(async () => {
    const faults = new Set((await Promise.all(masters(redis).map(faultsOf))).flat());
    if (faults.size === 0) return;
    throw new DistilleryError(
      'redis_unavailable',
      `this Redis may lose jobs: ${[...faults].join('; ')}; or set REDIS_VOLATILE=allow to use it all the same`,
    );
  });
}

async function faultsOf(server: Redis): Promise<string[]> {
  const facts = factsOf(`${await server.info('persistence')}\r\n${await server.info('memory')}`);
  const policy = facts.get('maxmemory_policy') ?? 'noeviction';
  return [
    ...(facts.get('aof_enabled') === '0' ? ['it keeps no append-only file: set appendonly yes'] : []),
    ...(policy === 'noeviction' ? [] : [`it evicts keys (${policy}): set maxmemory-policy noeviction`]),
  ];
}

/** `key:value` lines. */
function factsOf(info: string): Map<string, string> {
  return new Map(
    info.split(/\r?\n/).flatMap((line) => {
      const at = line.indexOf(':');
      return at === -1 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
    }),
  );
}
