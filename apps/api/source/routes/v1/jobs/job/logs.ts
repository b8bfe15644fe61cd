import { jobLogsSchema, logLevels, type RecordedLine } from '@distillery/spec';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { preferred } from '../../../../http/accept.ts';
import { problems } from '../../../../http/responses.ts';
import { sendJson } from '../../../../http/send-json.ts';
import type { Services } from '../../../../services.ts';
import { params } from './params.ts';

const querystring = z.strictObject({
  stage: z.string().max(200).optional().describe('Lines of one stage, for example `student.soft.1`.'),
  level: z.enum(logLevels).optional().describe('Lines of this level and of more serious ones.'),
  tail: z.coerce
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(200)
    .describe('The most lines: the newest ones, or with `after` the ones that come next.'),
  after: z
    .string()
    .regex(/^\d{1,15}-\d{1,15}$/, 'must be `after` of an earlier page, or the id of an event')
    .optional()
    .describe('Lines after this position: `after` of an earlier page, or the id of an event.'),
});

/** `GET /v1/jobs/:id/logs` */
export const logs: FastifyPluginAsyncZod<Services> = async (app, { records }) => {
  app.get(
    '/logs',
    {
      schema: {
        operationId: 'getLogs',
        tags: ['jobs'],
        summary: 'What the trainers and supervisors of a job have logged; text with `Accept: text/plain`',
        description:
          'A job keeps about 20,000 events, of which these lines are a part; the oldest go first. To follow the log, read the `log` events of `GET /v1/jobs/{id}/events` from `after` on.',
        params,
        querystring,
        response: {
          200: {
            description: 'Lines, oldest first.',
            content: {
              'application/json': { schema: jobLogsSchema },
              'text/plain': { schema: z.string() },
            },
          },
          ...problems,
        },
      },
    },
    async ({ headers, params: { id }, query: { tail, ...query } }, reply) => {
      const type = preferred(headers.accept, ['application/json', 'text/plain']);
      const page = await records.ask('logs', id, { ...query, limit: tail });
      reply.header('vary', 'accept').header('cache-control', 'no-cache');
      if (type === 'application/json') return sendJson(reply, JSON.stringify(page));
      return reply
        .type('text/plain; charset=utf-8')
        .serializer(String)
        .send(page.lines.map(lineOfText).join(''));
    },
  );
};

/** A line for people and for programs such as grep: a message of several lines is indented behind its first. */
function lineOfText({ time, stage, level, message }: RecordedLine): string {
  return `${time} ${level.padEnd(5)} ${stage}: ${message.replaceAll('\n', '\n  ')}\n`;
}
