import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Access } from '../access.ts';
import type { Services } from '../services.ts';
import type { UploadRules } from '../uploads/rules.ts';
import type { WebhookRules } from '../webhooks/settings.ts';
import { health } from './health.ts';
import { metrics } from './metrics.ts';
import { audit } from './v1/audit.ts';
import { catalogues } from './v1/catalogues.ts';
import { datasets } from './v1/datasets.ts';
import { demand } from './v1/demand.ts';
import { events } from './v1/events.ts';
import { engine } from './v1/engine.ts';
import { keys } from './v1/keys.ts';
import { networks } from './v1/networks.ts';
import { projects } from './v1/projects.ts';
import { session } from './v1/session.ts';
import { sweeps } from './v1/sweeps/index.ts';
import { uploads } from './v1/uploads.ts';
import { webhooks } from './v1/webhooks.ts';
import { workers } from './v1/workers.ts';
import { job } from './v1/jobs/job/index.ts';
import { list } from './v1/jobs/list.ts';
import { submit } from './v1/jobs/submit.ts';
import { store } from './v1/store.ts';

/** Registers every route; folders and files here have the names of the paths. */
export const routes: FastifyPluginAsyncZod<
  Services & { access: Access; uploadRules: UploadRules; webhookRules: WebhookRules }
> = async (app, { access, uploadRules, webhookRules, ...services }) => {
  await app.register(health, services);
  await app.register(metrics, services);
  const v1 = { ...services, prefix: '/v1' };
  await app.register(catalogues, v1);
  await app.register(engine, v1);
  await app.register(submit, v1);
  await app.register(list, v1);
  await app.register(events, v1);
  await app.register(session, { ...v1, keys: access.keys, rate: access.rate });
  await app.register(keys, v1);
  await app.register(projects, v1);
  await app.register(datasets, v1);
  await app.register(networks, v1);
  await app.register(uploads, { ...v1, rules: uploadRules });
  await app.register(sweeps, v1);
  await app.register(workers, v1);
  await app.register(demand, v1);
  await app.register(webhooks, { ...v1, rules: webhookRules });
  await app.register(audit, v1);
  await app.register(store, v1);
  await app.register(job, { ...services, prefix: '/v1/jobs/:id' });
};
