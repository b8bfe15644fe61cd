import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { DistilleryError } from '@distillery/spec';
import plugin from 'fastify-plugin';

/** The most bytes of a body on a route that reads none: parsing more would delay other requests. */
const unread = 65_536;

/**
 * Accepts JSON bodies and no others, as they are or compressed with gzip. On a route with `textBody` a body is kept as text,
 * because large ones are parsed on another thread. On a route without a body an empty one is fine, whatever its type: many clients
 * send the type with every POST.
 */
export const body = plugin(
  async (app) => {
    app.decorateRequest('text', undefined);
    app.addHook('onRoute', (route) => {
      if (route.schema?.body === undefined) route.bodyLimit = unread;
    });
    app.addHook('preParsing', async ({ headers }, reply, payload) => {
      const coding = headers['content-encoding']?.toLowerCase() ?? 'identity';
      if (coding === 'identity') return payload;
      if (coding !== 'gzip' && coding !== 'x-gzip') {
        // RFC 7694, 3.
        reply.header('accept-encoding', 'gzip');
        throw new DistilleryError(
          'unsupported_media_type',
          `the Content-Encoding ${coding} is not supported; send gzip, or the body as it is`,
        );
      }
      // Fastify compares the bytes that have arrived with Content-Length, and limits the inflated ones.
      const inflated = Object.assign(createGunzip(), { receivedEncodedLength: 0 });
      payload.on('data', (chunk: Buffer) => {
        inflated.receivedEncodedLength += chunk.length;
      });
      pipeline(payload, inflated, () => {});
      return inflated;
    });
    app.removeAllContentTypeParsers();
    const parse = app.getDefaultJsonParser('error', 'error');
    app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, text, done) => {
      if (request.routeOptions.config.textBody === true) {
        request.text = text;
        done(null, undefined);
      } else if (text === '') done(null, undefined);
      else void parse(request, text, done);
    });
  },
  { name: 'body', fastify: '5.x' },
);

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether the body is kept as text, for a thread that parses it. */
    textBody?: boolean;
  }
  interface FastifyRequest {
    /** The body as it was sent, on a route with `textBody`; undefined without one. */
    text: string | undefined;
  }
}
