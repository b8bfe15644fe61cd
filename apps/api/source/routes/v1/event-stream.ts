import { jobEventSchema, resetEventSchema } from '@distillery/spec';
import { z } from 'zod';
import { problems } from '../../http/responses.ts';

const eventId = z.string().regex(/^\d{1,15}-\d{1,15}$/, 'must be the id of an event');

/** What the requests and answers of all streams of events have in common. */
export const eventStream = {
  querystring: z.strictObject({
    after: eventId
      .optional()
      .describe('Events after this one, for readers that cannot set `Last-Event-ID`, which comes first.'),
  }),
  headers: z.looseObject({
    'last-event-id': eventId.optional().describe('The id of the last event that the reader has.'),
  }),
  response: {
    200: {
      description:
        'Server-sent events. The `data` of each is one line of JSON of this schema, `event` is its `type` and `id` its `id`. A comment comes every 15 seconds. A reader that takes nothing for so long is dropped, and every stream ends when the service restarts: connect again with the id of the last event.',
      content: { 'text/event-stream': { schema: z.union([jobEventSchema, resetEventSchema]) } },
    },
    ...problems,
  },
};
