import { DistilleryError } from '@distillery/spec';
import type { Redis } from 'ioredis';
import { type Client, guarded, masters } from './connection.ts';

/**
 * Refuses a Redis that may lose data, or a Cluster with such a node: accepted jobs would be lost.
 *
 * @throws DistilleryError `redis_unavailable` with the settings to change. A server that does not report its settings is
 *   accepted
 */
export function checkDurability(redis: Client): () => Promise<void> {
  return guarded(async () => {
    const faults = new Set((await Promise.all(masters(redis).map(faultsOf))).flat());
    if (faults.size === 0) return;
    throw new DistilleryError(
      'redis_unavailable',
      `this Redis may lose jobs: ${[...faults].join('; ')}; or set REDIS_VOLATILE=allow to use it anyway`,
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

/** Parses the `key:value` lines of INFO. */
function factsOf(info: string): Map<string, string> {
  return new Map(
    info.split(/\r?\n/).flatMap((line) => {
      const at = line.indexOf(':');
      return at === -1 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
    }),
  );
}
