import { idBefore, isWantedLine } from '@distillery/queue';
import { jobEventSchema, jobLogsSchema, logLevels } from '@distillery/spec';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { preferred } from '../../../../http/accept.ts';
import { lineOfText, logTexts } from '../../../../http/log-text.ts';
import { problems } from '../../../../http/responses.ts';
import { sendJson } from '../../../../http/send-json.ts';
import { linesOfText } from '../../../../plugins/event-streams.ts';
import type { Services } from '../../../../services.ts';
import { eventStream } from '../../event-stream.ts';
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
  follow: z
    .enum(['true', 'false'])
    .default('false')
    .describe(
      '`true` goes on with the lines that come, until the job has ended: as server-sent events, or as text with `Accept: text/plain`.',
    ),
});

/** `GET /v1/jobs/:id/logs` */
export const logs: FastifyPluginAsyncZod<Services> = async (app, { queue, records }) => {
  app.get(
    '/logs',
    {
      schema: {
        operationId: 'getLogs',
        tags: ['jobs'],
        summary: 'What the trainers and supervisors of a job have logged; text with `Accept: text/plain`',
        description:
          'A job keeps about 20,000 events, of which these lines are a part; the oldest go first. With `follow` each line is an event `log`, and the last event is the `job` that tells of the end; a reader that was cut off goes on with `Last-Event-ID`. It is `curl -N` and `Accept: text/plain` in a terminal, where an empty line every 15 seconds keeps the connection open.',
        params,
        querystring,
        headers: eventStream.headers,
        response: {
          200: {
            description: 'Lines, oldest first.',
            content: {
              'application/json': { schema: jobLogsSchema },
              'text/plain': { schema: z.string() },
              'text/event-stream': { schema: jobEventSchema },
            },
          },
          204: z
            .undefined()
            .describe('`follow` of a job that has ended, and no event is after the given one.'),
          ...problems,
        },
      },
    },
    async ({ headers, params: { id }, query: { tail, follow, ...query } }, reply) => {
      if (follow === 'true') {
        const form = preferred(headers.accept, ['text/event-stream', 'text/plain']);
        const asText = form === 'text/plain';
        reply.header('vary', 'accept');
        return reply.sendEvents(
          async (signal) => {
            const after = headers['last-event-id'] ?? query.after;
            // Asked for in any case, because it knows the stages of the job.
            const [first] = (await records.ask('logs', id, { ...query, after, limit: tail })).lines;
            const start = after ?? (first && idBefore(first.id));
            const { ended, parts } = await queue.events.follow(id, start, signal);
            return ended ? undefined : logTexts(parts, (event) => isWantedLine(event, query), asText);
          },
          ...(asText ? [linesOfText] : []),
        );
      }
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
