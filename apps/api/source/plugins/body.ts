import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { DistilleryError } from '@distillery/spec';
import plugin from 'fastify-plugin';
import { oneAtATime } from '../one-at-a-time.ts';

/** Bodies of this many characters are parsed in turn: several that arrive at once would hold up all other requests. */
const large = 65_536;

/**
 * Accepts JSON bodies and no others, as they are or compressed with gzip. The text of a body is kept, because the planning
 * thread parses it again. On a route without a body an empty one is fine, whatever its type: many clients send the type with
 * every POST.
 */
export const body = plugin(
  async (app) => {
    app.decorateRequest('text', '');
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
    const inTurn = oneAtATime();
    app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, text, done) => {
      request.text = text;
      if (text === '' && request.routeOptions.schema?.body === undefined) done(null, undefined);
      else if (text.length < large) void parse(request, text, done);
      else void inTurn(async () => parse(request, text, done));
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
