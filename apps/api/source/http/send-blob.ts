import type { Store } from '@distillery/store';
import { DistilleryError } from '@distillery/spec';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { requestedRange } from './byte-range.ts';
import { noneMatch } from './entity-tag.ts';

/** Sends a blob of the store, or the range of it that was asked for; its digest is a strong entity tag. */
export async function sendBlob(
  request: FastifyRequest,
  reply: FastifyReply,
  store: Store,
  blob: { digest: string },
  fileName: string,
): Promise<FastifyReply> {
  const info = await store.stat(blob.digest);
  if (info === undefined) {
    throw new DistilleryError('checkpoint_not_found', `the store has lost the blob ${blob.digest}`);
  }
  const { digest, size } = info;
  const tag = `"${digest}"`;
  reply.header('etag', tag).header('cache-control', 'no-cache');
  if (!noneMatch(request.headers['if-none-match'], tag)) return reply.code(304).send();

  reply.header('accept-ranges', 'bytes');
  const range = rangeOf(request, reply, tag, size);
  // RFC 9110, 14.2: Range says nothing about HEAD.
  const { start, end } = range ?? { start: 0, end: size - 1 };
  const body = request.method === 'HEAD' ? undefined : await store.stream(digest, range);
  if (range !== undefined) reply.code(206).header('content-range', `bytes ${start}-${end}/${size}`);
  reply
    .type('application/octet-stream')
    .header('content-length', end - start + 1)
    .header('content-disposition', `attachment; filename="${fileName}"`)
    // RFC 9530: of the whole file, also when a range is sent.
    .header('repr-digest', `sha-256=:${Buffer.from(digest, 'hex').toString('base64')}:`);
  return reply.send(body);
}

function rangeOf(request: FastifyRequest, reply: FastifyReply, tag: string, size: number) {
  if (request.method === 'HEAD') return undefined;
  const ifRange = request.headers['if-range'];
  try {
    return requestedRange(request.headers.range, Array.isArray(ifRange) ? ifRange[0] : ifRange, tag, size);
  } catch (error) {
    reply.header('content-range', `bytes */${size}`);
    throw error;
  }
}
