import plugin from 'fastify-plugin';

/** Sends the id of the request, which the log has too, with every response. */
export const requestId = plugin(
  async (app) => {
    app.addHook('onRequest', async (request, reply) => {
      reply.header('x-request-id', request.id);
    });
  },
  { name: 'request-id', fastify: '5.x' },
);
