import type { DistilleryQueue } from '@distillery/queue';
import plugin from 'fastify-plugin';

/**
 * A line in the log, and an entry of the audit, for each request that was to change something and each that was refused
 * for who sent it. Those over a limit of requests are left out: they would push out what is worth keeping.
 */
export const audit = plugin(
  async (app, { queue }: { queue: DistilleryQueue }) => {
    app.addHook('onResponse', async (request, reply) => {
      const { method, caller, refusal, routeOptions } = request;
      const changes = method !== 'GET' && method !== 'HEAD' && routeOptions.config.changes !== false;
      const turnedAway = refusal === 'unauthorized' || refusal === 'forbidden';
      if (refusal === 'rate_limited' || (!turnedAway && (!changes || request.is404))) return;
      const entry = {
        key: caller?.id ?? null,
        owner: caller?.name ?? null,
        action: `${method} ${routeOptions.url ?? 'unknown page'}`,
        job: jobOf(request.params) ?? jobAt(reply.getHeader('location')),
        status: reply.statusCode,
        code: refusal ?? null,
        request: request.id,
        address: request.ip,
      };
      request.log.child({ audit: true }).info(entry, entry.action);
      await queue.audit.record(entry).catch((error: unknown) => {
        request.log.warn({ err: error }, 'the audit has lost an entry, which the line above holds');
      });
    });
  },
  { name: 'audit', fastify: '5.x', dependencies: ['access'] },
);

function jobOf(params: unknown): string | null {
  return (params as { id?: string } | null)?.id ?? null;
}

/** Of a job that was just submitted. */
function jobAt(location: unknown): string | null {
  return /^\/v1\/jobs\/(.*)$/.exec(String(location))?.[1] ?? null;
}
