import type { ResetEvent } from '@distillery/spec';
import { openToProjects } from '../../http/open-to-projects.ts';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { preferred } from '../../http/accept.ts';
import { eventTexts } from '../../http/event-text.ts';
import { seenEvents } from '../../seen-events.ts';
import type { Services } from '../../services.ts';
import { eventStream } from './event-stream.ts';

/** `GET /v1/events` */
export const events: FastifyPluginAsyncZod<Services> = async (app, { queue }) => {
  openToProjects(app);
  app.get(
    '/events',
    {
      schema: {
        operationId: 'followJobs',
        tags: ['jobs'],
        summary: 'What happens to all jobs from now on, or after an event, as server-sent events',
        description:
          'Each event names its job. Without the id of an event the stream begins with a `reset`: list the jobs then, and the events that follow tell of every change since. A `reset` comes again where the events after the given one are no longer kept. The stream does not end by itself.',
        ...eventStream,
      },
    },
    async ({ headers, query, caller }, reply) => {
      preferred(headers.accept, ['text/event-stream']);
      return reply.sendEvents(async (signal) =>
        eventTexts(
          seenEvents(
            queue,
            caller,
            await queue.events.followAll(headers['last-event-id'] ?? query.after, signal),
          ),
          async (latest) => {
            const reset: ResetEvent = { type: 'reset', job: null, latest, view: null };
            return `${latest === null ? '' : `id: ${latest}\n`}event: reset\ndata: ${JSON.stringify(reset)}\n\n`;
          },
        ),
      );
    },
  );
};
