import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import plugin from 'fastify-plugin';
import { weighted } from '../http/accept.ts';

const compress = promisify(gzip);
/** Shorter answers would hardly become shorter. */
const minimum = 1024;

/**
 * Compresses JSON and text for clients that accept gzip, on a thread of Node's pool. Files are sent as they are: weights
 * hardly become smaller, and ranges count the bytes of the file.
 */
export const compression = plugin(
  async (app) => {
    app.addHook('onSend', async (request, reply, payload) => {
      if (typeof payload !== 'string' || payload.length < minimum) return payload;
      const vary = String(reply.getHeader('vary') ?? '');
      if (!/accept-encoding/i.test(vary)) {
        reply.header('vary', vary === '' ? 'accept-encoding' : `${vary}, accept-encoding`);
      }
      if (request.method === 'HEAD' || !acceptsGzip(request.headers['accept-encoding'])) return payload;
      const tag = reply.getHeader('etag');
      // A strong tag stands for the same bytes (RFC 9110, 8.8.1).
      if (typeof tag === 'string' && !tag.startsWith('W/')) reply.header('etag', `W/${tag}`);
      reply.header('content-encoding', 'gzip').removeHeader('content-length');
      return await compress(payload);
    });
  },
  { name: 'compression', fastify: '5.x' },
);

/** Whether an `Accept-Encoding` header allows gzip (RFC 9110, 12.5.3). */
function acceptsGzip(header: string | string[] | undefined): boolean {
  const codings = weighted(String(header ?? ''));
  const coding =
    codings.find(({ value }) => value === 'gzip' || value === 'x-gzip') ??
    codings.find(({ value }) => value === '*');
  return coding !== undefined && coding.quality > 0;
}
