import { DistilleryError } from '@distillery/spec';
import plugin from 'fastify-plugin';

/**
 * Refuses `If-Match` on routes that do not evaluate it: a client that sends it wants nothing to happen when it is not met
 * (RFC 9110, 13.1.1). Controls of a job need none, because each checks the state of the job.
 */
export const preconditions = plugin(
  async (app) => {
    app.addHook('onRequest', async ({ headers, routeOptions }) => {
      if (headers['if-match'] === undefined || routeOptions.config.ifMatch === true) return;
      throw new DistilleryError('precondition_failed', 'this route does not support If-Match; leave it out');
    });
  },
  { name: 'preconditions', fastify: '5.x', dependencies: ['errors'] },
);

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether the route evaluates `If-Match`. */
    ifMatch?: boolean;
  }
}
