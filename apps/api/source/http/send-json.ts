import type { FastifyReply } from 'fastify';

/** Sends JSON that is encoded already: checking or encoding thousands of stages here would delay other requests. */
export function sendJson(reply: FastifyReply, text: string): FastifyReply {
  return reply.type('application/json; charset=utf-8').serializer(String).send(text);
}
