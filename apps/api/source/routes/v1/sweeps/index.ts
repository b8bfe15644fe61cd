import { openToProjects } from '../../../http/open-to-projects.ts';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import type { Services } from '../../../services.ts';
import { submit } from './submit.ts';
import { sweep } from './sweep.ts';

/** `/v1/sweeps` and the routes below it. */
export const sweeps: FastifyPluginAsyncZod<Services> = async (app, services) => {
  openToProjects(app);
  // The options of this plugin hold its prefix, which must not be applied twice.
  const below = { ...services, prefix: '' };
  await app.register(submit, below);
  await app.register(sweep, below);
};
