import { z } from 'zod';

/** An id that no job has is `job_not_found`, whatever it looks like. */
export const params = z.object({ id: z.string() });
