import { z } from 'zod';

/** A blob of the store, as results name it. */
export const blobSchema = z.object({ digest: z.string(), size: z.number().int() });
