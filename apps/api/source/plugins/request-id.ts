import plugin from 'fastify-plugin';

/** Every answer names its request, as the log does. */
export const requestId = plugin(
  async (app) => {
    app.addHook('onRequest', async (request, reply) => {
      reply.header('x-request-id', request.id);
    });
  },
  { name: 'request-id', fastify: '5.x' },
);
