import swagger from '@fastify/swagger';
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod';
import plugin from 'fastify-plugin';
import { completed, type OpenApiDocument } from '../openapi/document.ts';
import { documentPage } from '../openapi/page.ts';
import { withNames } from '../openapi/names.ts';
import { describedWebhooks } from '../openapi/webhooks.ts';
import type { Catalogue } from '../services.ts';

/** Serves the OpenAPI description, which derives from the schemas that requests are validated with. */
export const openapi = plugin(
  async (app, { catalogue, version }: { catalogue: Catalogue; version: string }) => {
    const transformObject = createJsonSchemaTransformObject({});
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title: 'Distillery',
          version,
          description:
            'A knowledge-distillation service: trains teachers and students, compares them, and serves their weights.',
          license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
        },
        components: {
          securitySchemes: {
            apiKey: {
              type: 'http',
              scheme: 'bearer',
              description:
                'An API key, `dk_…`, created with `distill keys create`. An API that listens on loopback may need none.',
            },
          },
        },
        webhooks: describedWebhooks as never,
        tags: [
          { name: 'jobs', description: 'Submit, follow, control and compare jobs' },
          { name: 'sweeps', description: 'Try a job over combinations of values' },
          { name: 'weights', description: 'Download trained networks' },
          { name: 'catalogues', description: 'The kinds that a job can name' },
          { name: 'uploads', description: 'Upload files for data sets and networks' },
          { name: 'datasets', description: 'Make data sets of uploaded files' },
          { name: 'networks', description: 'Bring networks as teachers' },
          { name: 'webhooks', description: 'Send what happens to jobs to other services' },
          { name: 'operation', description: 'Health, audit and maintenance of the service' },
        ],
      },
      transform: createJsonSchemaTransform({}),
      transformObject: (document) =>
        completed(transformObject(document) as unknown as OpenApiDocument) as never,
    });
    // The routes do not change any more, so that the description is made once.
    let text = '';
    app.addHook('onReady', async () => {
      text = JSON.stringify(withNames(catalogue, () => app.swagger()));
    });
    app.get('/openapi.json', { config: { scope: 'public' }, schema: { hide: true } }, async (_, reply) =>
      reply.type('application/json; charset=utf-8').serializer(String).send(text),
    );
    app.get('/docs', { config: { scope: 'public' }, schema: { hide: true } }, async (request, reply) =>
      reply
        .type('text/html; charset=utf-8')
        .serializer(String)
        .send(documentPage(JSON.parse(text), `${request.protocol}://${request.host}`)),
    );
  },
  { name: 'openapi', fastify: '5.x' },
);
