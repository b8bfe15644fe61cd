import { z } from 'zod';

/** The ways in which a spec names weights that exist. */

/** The id of a network that was brought. */
export const networkId = z
  .string()
  .max(64)
  .optional()
  .describe(
    'The id of a network that was brought, as `POST /v1/networks` returns it. The service puts its weights in place of the id when the job is posted.',
  );

/** The digest of a stored weights file. */
export const weightsDigest = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'must be a SHA-256, 64 hexadecimal digits in lower case');
