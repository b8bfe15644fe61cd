import type { DistilleryQueue } from '@distillery/queue';
import plugin from 'fastify-plugin';
import { networkOf } from '../http/network.ts';

/** All of this number of refusals of a network in a minute have entries, of more every power of two. */
const listed = 10;

/**
 * Writes a log line and an audit entry for each request that changes something and for each that is refused for its key.
 * Requests over the rate limit are left out, and so are most of many refusals of one network: anybody can send these, and
 * they would displace the entries that matter.
 */
export const audit = plugin(
  async (app, { queue }: { queue: DistilleryQueue }) => {
    app.addHook('onResponse', async (request, reply) => {
      const { method, caller, refusal, routeOptions } = request;
      const changes = method !== 'GET' && method !== 'HEAD' && routeOptions.config.changes !== false;
      const keyRefused = refusal === 'unauthorized' || refusal === 'forbidden';
      if (refusal === 'rate_limited' || (!keyRefused && (!changes || request.is404))) return;
      const count =
        caller === null && reply.statusCode >= 400
          ? await queue.requests.add(`refused:${networkOf(request.ip)}`).then(
              (found) => found.count,
              () => null,
            )
          : null;
      if (count !== null && count > listed && !Number.isInteger(Math.log2(count))) return;
      const entry = {
        key: caller?.id ?? null,
        owner: caller?.name ?? null,
        action: `${method} ${routeOptions.url ?? 'unknown page'}`,
        job: jobOf(request.params) ?? jobAt(reply.getHeader('location')),
        status: reply.statusCode,
        code: refusal ?? null,
        request: request.id,
        address: request.ip,
        count,
      };
      request.log.child({ audit: true }).info(entry, entry.action);
      await queue.audit.record(entry).catch((error: unknown) => {
        request.log.warn(
          { err: error },
          'the audit entry could not be stored; the log line above has its content',
        );
      });
    });
  },
  { name: 'audit', fastify: '5.x', dependencies: ['access'] },
);

function jobOf(params: unknown): string | null {
  return (params as { id?: string } | null)?.id ?? null;
}

/** Returns the id of a job that was just submitted, from the `Location` header. */
function jobAt(location: unknown): string | null {
  return /^\/v1\/jobs\/(.*)$/.exec(String(location))?.[1] ?? null;
}
