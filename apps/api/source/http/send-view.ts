import type { JobView } from '@distillery/spec';
import type { FastifyReply } from 'fastify';

/** Sends the view of a job as it is: checking the thousands of stages of a large one again would delay other requests. */
export function sendView(reply: FastifyReply, view: JobView): FastifyReply {
  return reply.type('application/json; charset=utf-8').serializer(JSON.stringify).send(view);
}
