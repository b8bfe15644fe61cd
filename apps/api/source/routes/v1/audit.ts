import { auditEntrySchema } from '@distillery/spec';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { problems } from '../../http/responses.ts';
import type { Services } from '../../services.ts';

const querystring = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(100).describe('The most entries of a page.'),
  after: z
    .string()
    .regex(/^\d{1,15}-\d{1,15}$/, 'must be `next` of the page before')
    .optional()
    .describe('Entries after this position: `next` of the page before.'),
});

/** `GET /v1/audit` */
export const audit: FastifyPluginAsyncZod<Services> = async (app, { queue }) => {
  app.get(
    '/audit',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'readAudit',
        tags: ['operation'],
        summary:
          'Read the audit log: changes and refused requests, newest first (the last `RETAIN_AUDIT` changes and 10,000 refusals)',
        querystring,
        response: {
          200: z.object({ entries: z.array(auditEntrySchema), next: z.string().nullable() }),
          ...problems,
        },
      },
    },
    ({ query }) => queue.audit.read(query),
  );
};
