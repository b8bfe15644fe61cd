import { DistilleryError } from '@distillery/spec';
import type { Redis } from 'ioredis';
import { guarded } from './connection.ts';

/**
 * Refuses a Redis that may forget: jobs that were answered with 202 would be gone.
 *
 * @throws DistilleryError `redis_unavailable`, saying what to set; a Redis that cannot be reached is another matter, and
 *   whoever hides these facts is believed
 */
export function checkDurability(redis: Redis): () => Promise<void> {
  return guarded(async () => {
    const facts = factsOf(`${await redis.info('persistence')}\r\n${await redis.info('memory')}`);
    const faults = [
      ...(facts.get('aof_enabled') === '0' ? ['it keeps no append-only file: set appendonly yes'] : []),
      ...((facts.get('maxmemory_policy') ?? 'noeviction') === 'noeviction'
        ? []
        : [`it evicts keys (${facts.get('maxmemory_policy')}): set maxmemory-policy noeviction`]),
    ];
    if (faults.length === 0) return;
    throw new DistilleryError(
      'redis_unavailable',
      `this Redis may lose jobs: ${faults.join('; ')}; or set REDIS_VOLATILE=allow to use it all the same`,
    );
  });
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
