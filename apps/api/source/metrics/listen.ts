import Fastify from 'fastify';
import { serializerCompiler } from 'fastify-type-provider-zod';
import { answerProblem } from '../plugins/errors.ts';
import { demand } from '../routes/v1/demand.ts';
import { metrics } from '../routes/metrics.ts';
import type { Services } from '../services.ts';
import { validatorCompiler } from '../validation.ts';
import type { Exposition } from './exposition.ts';

/**
 * Serves `/metrics` and `/v1/demand` on a port of their own, without keys: for a Prometheus and an autoscaler in the same private
 * network, which then also see an API whose Redis is away, when no key can be checked.
 *
 * @returns its port, and a function that closes it
 */
export async function listenForMetrics(
  address: { host: string; port: number },
  services: Pick<Services, 'queue'> & { exposition: Exposition },
): Promise<{ port: number; close(): Promise<void> }> {
  const app = Fastify({ logger: false, forceCloseConnections: true });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.decorateRequest('refusal', undefined);
  app.setErrorHandler((error, request, reply) => answerProblem(error, request, reply));
  await app.register(metrics, services);
  await app.register(demand, { ...services, prefix: '/v1' });
  await app.listen(address);
  const { port } = app.server.address() as { port: number };
  return { port, close: () => app.close() };
}
