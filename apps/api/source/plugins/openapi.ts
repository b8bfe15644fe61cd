import swagger from '@fastify/swagger';
import { jobViewSchema, metricRowSchema, reportSchema, stageViewSchema } from '@distillery/spec';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import plugin from 'fastify-plugin';
import { z } from 'zod';
import { problemSchema } from '../problem.ts';
import type { Catalogue } from '../services.ts';

/** Serves the OpenAPI description, which derives from the schemas that requests are validated with. */
export const openapi = plugin(
  async (app, { catalogue, version }: { catalogue: Catalogue; version: string }) => {
    name('JobSpec', catalogue.jobSpec);
    name('Plan', catalogue.planSchema);
    name('Job', jobViewSchema);
    name('Stage', stageViewSchema);
    const { kind } = stageViewSchema.shape;
    z.globalRegistry.add(kind, { ...z.globalRegistry.get(kind), examples: [...catalogue.stageKinds] });
    name('MetricRow', metricRowSchema);
    name('Report', reportSchema);
    name('Problem', problemSchema);
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
        tags: [
          { name: 'jobs', description: 'Submit, follow, control and compare jobs' },
          { name: 'weights', description: 'Download trained networks' },
          { name: 'catalogues', description: 'The kinds that a job can name' },
          { name: 'operation', description: 'Health, audit and maintenance of the service' },
        ],
      },
      transform: jsonSchemaTransform,
      transformObject: jsonSchemaTransformObject,
    });
    app.get('/openapi.json', { config: { scope: 'public' }, schema: { hide: true } }, async () =>
      app.swagger(),
    );
  },
  { name: 'openapi', fastify: '5.x' },
);

/** Makes a schema a named component. Zod's global registry holds the descriptions, so it gets the name too. */
function name(id: string, schema: z.ZodType): void {
  z.globalRegistry.add(schema, { ...z.globalRegistry.get(schema), id });
}
