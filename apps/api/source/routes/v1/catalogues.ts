import { formats } from '@distillery/formats';
import type { CatalogueEntry } from '@distillery/spec';
import { openToProjects } from '../../http/open-to-projects.ts';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problems } from '../../http/responses.ts';
import type { Services } from '../../services.ts';

const entrySchema = z.object({
  type: z.string().describe('The name to use in a spec.'),
  summary: z.string().describe('What it is, in one line.'),
  formula: z.string().optional().describe('What it computes, as a line of text.'),
  reference: z.string().optional().describe('The paper or page that defines it.'),
  needs: z.array(z.string()).optional().describe('What a term reads by default.'),
  trains: z.array(z.string()).optional().describe('Networks that a term trains beside the student.'),
  changes: z
    .string()
    .optional()
    .describe(
      'What a transform changes: `pixels` of images, `tokens` of texts, or `pairs` of images together with their labels.',
    ),
  mediaType: z.string().optional().describe('The media type that files of a weight format are sent with.'),
  extension: z.string().optional().describe('The extension of files of a weight format, without the dot.'),
  options: z.record(z.string(), z.unknown()).describe('The options, as JSON Schema.'),
  defaults: z.record(z.string(), z.unknown()).describe('The default of every option that has one.'),
}) satisfies z.ZodType<CatalogueEntry>;

/** `/v1/methods`, `/v1/architectures`, `/v1/sources`, `/v1/teachers`, `/v1/transforms`, `/v1/formats`: the registered kinds with their options. */
export const catalogues: FastifyPluginAsyncZod<Services> = async (app, { catalogue: { kinds } }) => {
  openToProjects(app);
  const pages = {
    methods: { registry: kinds.terms, summary: 'The distillation terms' },
    architectures: { registry: kinds.architectures, summary: 'The network architectures' },
    sources: { registry: kinds.datasets, summary: 'The sources of data sets' },
    teachers: { registry: kinds.teachers, summary: 'The kinds of teachers' },
    transforms: { registry: kinds.transforms, summary: 'The transforms of training samples' },
    formats: { registry: formats, summary: 'The formats of weight files' },
  };
  for (const [name, { registry, summary }] of Object.entries(pages)) {
    const entries = registry.catalogue();
    app.get(
      `/${name}`,
      {
        schema: {
          operationId: `list${name[0].toUpperCase()}${name.slice(1)}`,
          tags: ['catalogues'],
          summary,
          response: { 200: z.object({ [name]: z.array(entrySchema) }), ...problems },
        },
      },
      async () => ({ [name]: entries }),
    );
  }
};
