/** The headers that responses are described with. A route names those of its own in `x-response-headers`. */
export const describedHeaders = {
  'X-Request-Id':
    'The id of the request, as in the log: that of the request header `X-Request-Id`, or a new one.',
  'X-RateLimit-Limit': 'Requests per minute that the key may send. Absent while keys are off.',
  'X-RateLimit-Remaining': 'Requests that are left in this minute. Absent while keys are off.',
  'X-RateLimit-Reset': 'Seconds until the next minute begins. Absent while keys are off.',
  'Retry-After': 'Seconds to wait before the request is sent again; absent where that does not help.',
  'WWW-Authenticate':
    'How to send a key: `Bearer`, with the error `invalid_token` for a key that is not valid.',
  Location: 'The path of what was created.',
  'Idempotency-Replayed': '`true` when an earlier request with the same `Idempotency-Key` created the job.',
  ETag: 'Identifies this version of the content, for `If-None-Match`.',
  Link: 'The next page, with `rel="next"`; absent on the last one.',
  'Accept-Ranges': '`bytes`: the request may have a `Range`.',
  'Content-Range': 'The range that is sent, and the size of the whole file in bytes.',
  'Content-Disposition': 'A name to save the file under.',
  'Repr-Digest': 'The SHA-256 of the whole file (RFC 9530).',
  'Tus-Resumable': 'The version of the protocol: `1.0.0`.',
  'Tus-Version': 'The versions of the protocol that are supported.',
  'Tus-Extension': 'The extensions of the protocol that are supported.',
  'Tus-Max-Size': 'The most bytes of a file.',
  'Tus-Checksum-Algorithm': 'The algorithms of `Upload-Checksum`.',
  'Upload-Offset': 'The bytes that are stored: the next request continues there.',
  'Upload-Length': 'The bytes of the whole file.',
  'Upload-Metadata': 'The name of the file as `filename` and Base64.',
  'Upload-Expires': 'When the upload is removed, unless more bytes come.',
} as const;

export type HeaderName = keyof typeof describedHeaders;

declare module 'fastify' {
  interface FastifySchema {
    /** The headers of each response, by status, beside those that all responses have. */
    'x-response-headers'?: Record<number, readonly HeaderName[]>;
  }
}

/** The headers of a response of any route, by status. */
export function commonHeaders(status: string, needsKey: boolean): HeaderName[] {
  const limits: HeaderName[] = ['X-RateLimit-Limit', 'X-RateLimit-Remaining', 'X-RateLimit-Reset'];
  const always: HeaderName[] = ['X-Request-Id'];
  if (status === '401') return [...always, 'WWW-Authenticate'];
  if (status === '429') return [...always, 'Retry-After', ...limits];
  if (status === '5XX') return [...always, 'Retry-After'];
  return needsKey && /^[23]/.test(status) ? [...always, ...limits] : always;
}
