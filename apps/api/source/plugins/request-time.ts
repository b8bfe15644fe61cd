import plugin from 'fastify-plugin';

/**
 * Ends a request whose body does not arrive in time, as Node does with `requestTimeout`, unless its route receives uploads: those
 * take as long as they take, and end when nothing comes for a while (`connectionTimeout`).
 */
export const requestTime = plugin(
  async (app, { milliseconds }: { milliseconds: number }) => {
    app.addHook('onRequest', (request, _reply, done) => {
      const { raw } = request;
      if (!raw.complete && request.routeOptions.config.upload !== true) {
        const timer = setTimeout(() => {
          if (raw.complete) return;
          const late = Object.assign(new Error('the request is late'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
          app.server.emit('clientError', late, raw.socket);
        }, milliseconds);
        timer.unref();
        raw.once('close', () => clearTimeout(timer));
      }
      done();
    });
  },
  { name: 'request-time', fastify: '5.x' },
);

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether the body of a request may take any time. */
    upload?: boolean;
  }
}
