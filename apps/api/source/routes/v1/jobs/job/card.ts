import type { Report } from '@distillery/spec';
import { version } from '@distillery/training';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problems } from '../../../../http/responses.ts';
import { modelCard } from '../../../../model-card.ts';
import type { Services } from '../../../../services.ts';
import { licenseParameter } from './license.ts';
import { params } from './params.ts';

/** `GET /v1/jobs/:id/students/:name/card` */
export const card: FastifyPluginAsyncZod<Services> = async (app, { records }) => {
  app.get(
    '/students/:name/card',
    {
      schema: {
        operationId: 'getModelCard',
        tags: ['weights'],
        summary: 'The model card of a student: Markdown with the metadata of Hugging Face',
        params: params.extend({ name: z.string() }),
        querystring: z.strictObject({
          license: licenseParameter,
        }),
        response: {
          200: {
            description: 'The card, whose scores are means over all seeds',
            content: { 'text/markdown': { schema: z.string() } },
          },
          ...problems,
        },
      },
    },
    async ({ params: { id, name }, query: { license } }, reply) => {
      const report = JSON.parse(await records.ask('report', id)) as Report;
      const text = modelCard(report, { name, license, version });
      return reply.type('text/markdown; charset=utf-8').send(text);
    },
  );
};
