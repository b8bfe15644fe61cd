import { DistilleryError } from '@distillery/spec';
import type { DistilleryQueue } from '@distillery/queue';
import type { FastifyReply } from 'fastify';

/**
 * Counts a request of a sender in this minute, and tells the sender in headers how many are left.
 *
 * @throws DistilleryError `rate_limited`
 */
export async function countRequest(
  queue: DistilleryQueue,
  reply: FastifyReply,
  sender: string,
  limit: number,
): Promise<void> {
  const { count, resetSeconds } = await queue.requests.add(sender);
  reply
    .header('x-ratelimit-limit', limit)
    .header('x-ratelimit-remaining', Math.max(0, limit - count))
    .header('x-ratelimit-reset', resetSeconds);
  if (count <= limit) return;
  reply.header('retry-after', resetSeconds);
  throw new DistilleryError(
    'rate_limited',
    `more than ${limit} requests per minute; try again in ${resetSeconds} s`,
  );
}
