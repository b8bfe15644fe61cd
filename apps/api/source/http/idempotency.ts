import { z } from 'zod';

/** The headers of a request that creates something and may be sent twice. */
export const idempotencyHeaders = z.looseObject({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1-255 visible ASCII characters')
    .optional()
    .describe(
      'Makes the request safe to send again: for 24 hours the same key and body return what the first request created. Another body is an `idempotency_conflict`.',
    ),
});
