import type { FastifySchema } from 'fastify';

const whole = ['ETag', 'Accept-Ranges', 'Content-Disposition', 'Repr-Digest'] as const;

/** The headers of a file that is sent in whole or in part. */
export const sentHeaders = {
  200: whole,
  206: [...whole, 'Content-Range'],
  304: ['ETag'],
} satisfies FastifySchema['x-response-headers'];
