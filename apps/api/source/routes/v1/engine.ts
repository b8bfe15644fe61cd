import { engineInfoSchema } from '@distillery/spec';
import { openToProjects } from '../../http/open-to-projects.ts';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { projectSeenBy } from '../../caller.ts';
import { problems } from '../../http/responses.ts';
import type { Services } from '../../services.ts';

const workerSchema = z.object({
  id: z.string(),
  host: z.string(),
  version: z.string(),
  trainers: z.number().int().optional().describe('The stages that the worker runs at once.'),
  engine: engineInfoSchema,
  startedAt: z.iso.datetime(),
  seenAt: z.iso.datetime(),
  stage: z
    .object({ jobId: z.string(), stageId: z.string() })
    .nullable()
    .describe('A stage that the worker runs; null when it waits for work.'),
});

/** `GET /v1/engine` */
export const engine: FastifyPluginAsyncZod<Services> = async (app, { queue }) => {
  openToProjects(app);
  app.get(
    '/engine',
    {
      schema: {
        operationId: 'listWorkers',
        tags: ['catalogues'],
        summary: 'The running workers, each with its engine',
        response: { 200: z.object({ workers: z.array(workerSchema) }), ...problems },
      },
    },
    async ({ caller }) => {
      const workers = await queue.workers.list();
      const isLimited = projectSeenBy(caller) !== undefined;
      return { workers: isLimited ? workers.map((worker) => ({ ...worker, stage: null })) : workers };
    },
  );
};
