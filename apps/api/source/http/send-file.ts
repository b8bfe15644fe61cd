import type { Readable } from 'node:stream';
import { DistilleryError } from '@distillery/spec';
import type { ByteRange } from '@distillery/store';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { requestedRange } from './byte-range.ts';
import { attachment } from './attachment.ts';
import { matches, noneMatch } from './entity-tag.ts';

/** A file to send: its SHA-256 in hexadecimal, its size in bytes, and a function that streams it or one range of it. */
export interface SentFile {
  digest: string;
  size: number;
  stream(range?: ByteRange): Promise<Readable>;
  /** Where else the whole file may be read for some minutes; absent where it is read from here alone. */
  elsewhere?: ((as: { name: string; mediaType: string }) => Promise<string>) | undefined;
}

/** Sends a file, or the range that the request asks for, or sends the client elsewhere. The digest is a strong entity tag. */
export async function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  { digest, size, stream, elsewhere }: SentFile,
  { mediaType, name }: { mediaType: string; name: string },
): Promise<FastifyReply> {
  const tag = `"${digest}"`;
  reply.header('etag', tag).header('cache-control', 'no-cache');
  if (!matches(request.headers['if-match'], tag)) {
    throw new DistilleryError('precondition_failed', `the file is ${tag}, which If-Match does not name`);
  }
  if (!noneMatch(request.headers['if-none-match'], tag)) return reply.code(304).send();

  // A range is part of what was begun here, whose entity tag a bucket does not know.
  if (elsewhere !== undefined && request.method === 'GET' && request.headers.range === undefined) {
    return reply.redirect(await elsewhere({ name, mediaType }), 302);
  }

  reply.header('accept-ranges', 'bytes');
  const range = rangeOf(request, reply, tag, size);
  // RFC 9110, 14.2: a Range has no meaning for HEAD.
  const { start, end } = range ?? { start: 0, end: size - 1 };
  const body = request.method === 'HEAD' ? undefined : await stream(range);
  if (range !== undefined) reply.code(206).header('content-range', `bytes ${start}-${end}/${size}`);
  reply
    .type(mediaType)
    .header('content-length', end - start + 1)
    .header('content-disposition', attachment(name))
    // The digest of the whole file, even when a range is sent (RFC 9530).
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
