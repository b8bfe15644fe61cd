import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { preferred } from '../../../../http/accept.ts';
import { eventTexts } from '../../../../http/event-text.ts';
import type { Services } from '../../../../services.ts';
import { eventStream } from '../../event-stream.ts';
import { params } from './params.ts';

/** `GET /v1/jobs/:id/events` */
export const events: FastifyPluginAsyncZod<Services> = async (app, { queue, records }) => {
  app.get(
    '/events',
    {
      schema: {
        operationId: 'followJob',
        tags: ['jobs'],
        summary: 'What has happened to a job and what happens to it, as server-sent events',
        description:
          'Begins with the first event, or after a given one. Where events are no longer kept, a `reset` with the view of the job comes in their place, and those that are kept follow. The stream ends after the event that tells that the job has succeeded, failed or was cancelled; a request after that event is answered with 204, at which browsers stop to connect again.',
        params,
        ...eventStream,
        response: {
          204: z.undefined().describe('The job has ended, and there is no event after the given one.'),
          ...eventStream.response,
        },
      },
    },
    async ({ headers, params: { id }, query }, reply) => {
      preferred(headers.accept, ['text/event-stream']);
      return reply.sendEvents(async (signal) => {
        const { ended, parts } = await queue.events.follow(
          id,
          headers['last-event-id'] ?? query.after,
          signal,
        );
        if (ended) return undefined;
        // Without an id: a reader that is cut off now would miss the events that follow.
        return eventTexts(parts, async (latest) => {
          const { view } = await records.ask('view', id);
          const head = JSON.stringify({ type: 'reset', job: id, latest });
          return `event: reset\ndata: ${head.slice(0, -1)},"view":${view}}\n\n`;
        });
      });
    },
  );
};
