import { z } from 'zod';

/** A reference to a blob of the store. */
export const blobSchema = z.object({
  digest: z.string().describe('The SHA-256 of the content, in hexadecimal.'),
  size: z.number().int().describe('The size in bytes.'),
});
