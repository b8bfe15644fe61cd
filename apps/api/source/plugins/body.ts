import plugin from 'fastify-plugin';

/**
 * Accepts JSON bodies and no others. The text of a body is kept, because the planning thread parses it again. On a route
 * without a body an empty one is fine, whatever its type: many clients send the type with every POST.
 */
export const body = plugin(
  async (app) => {
    app.decorateRequest('text', '');
    app.removeAllContentTypeParsers();
    const parse = app.getDefaultJsonParser('error', 'error');
    app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, text, done) => {
      request.text = text;
      if (text === '' && request.routeOptions.schema?.body === undefined) done(null, undefined);
      else void parse(request, text, done);
    });
  },
  { name: 'body', fastify: '5.x' },
);

declare module 'fastify' {
  interface FastifyRequest {
    /** The body as it was sent; empty without one. */
    text: string;
  }
}
