import plugin from 'fastify-plugin';
import type { ProcessMetrics } from '../metrics/process-metrics.ts';

/** Counts the requests that are answered, with their durations, by the pattern of their route. */
export const requestMetrics = plugin(
  async (app, { answered }: Pick<ProcessMetrics, 'answered'>) => {
    app.addHook('onResponse', async ({ method, routeOptions, is404 }, reply) => {
      const route = is404 ? 'unknown' : (routeOptions.url ?? 'unknown');
      answered({ method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
    });
  },
  { name: 'request-metrics', fastify: '5.x' },
);
