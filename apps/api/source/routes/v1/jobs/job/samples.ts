import { Readable } from 'node:stream';
import { samplesSchema } from '@distillery/spec';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problems } from '../../../../http/responses.ts';
import { sendJson } from '../../../../http/send-json.ts';
import type { Services } from '../../../../services.ts';
import { params } from './params.ts';

const querystring = z.strictObject({
  student: z.string().max(200).describe('The name of the student.'),
  seed: z.coerce.number().int().min(0).max(4294967295).describe('The seed of its run.'),
  sort: z
    .enum(['disagreement', 'index'])
    .default('disagreement')
    .describe('`disagreement`: those first on which student and teacher differ most.'),
  temperature: z.coerce
    .number()
    .min(0.1)
    .max(100)
    .default(1)
    .describe('The temperature of the softmax that the disagreement is measured at.'),
  class: z.coerce.number().int().min(0).optional().describe('Samples of the class with this index.'),
  limit: z.coerce.number().int().min(1).max(100).default(24).describe('The most samples of a page.'),
  offset: z.coerce.number().int().min(0).default(0).describe('How many samples to leave out before it.'),
});

/** `GET /v1/jobs/:id/samples`, `GET /v1/jobs/:id/samples/:index/image` */
export const samples: FastifyPluginAsyncZod<Services> = async (app, { records }) => {
  app.get(
    '/samples',
    {
      schema: {
        operationId: 'listSamples',
        tags: ['jobs'],
        summary: 'Test samples with the logits of a student, its teacher and its control',
        description:
          'A job keeps up to 1000 test samples, and up to 16 MiB of them: a random choice that depends on the data alone.',
        params,
        querystring,
        response: { 200: samplesSchema, ...problems },
      },
    },
    async ({ params: { id }, query }, reply) => sendJson(reply, await records.ask('samples', id, query)),
  );

  app.get(
    '/samples/:index/image',
    {
      schema: {
        operationId: 'getSampleImage',
        tags: ['jobs'],
        summary: 'A test image at the size at which the networks see it',
        params: params.extend({
          index: z.coerce.number().int().min(0).describe('The `index` of the sample.'),
        }),
        response: {
          200: {
            description: 'The image.',
            content: { 'image/png': { schema: z.string().meta({ format: 'binary' }) } },
          },
          ...problems,
        },
      },
    },
    async ({ params: { id, index } }, reply) => {
      const image = await records.ask('sampleImage', id, index);
      const stream = Readable.from([image]);
      return reply
        .type('image/png')
        .header('cache-control', 'private, max-age=3600')
        .send(stream as never);
    },
  );
};
