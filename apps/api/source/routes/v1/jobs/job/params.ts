import { z } from 'zod';

/** Any string is accepted as an id: one that no job has is `job_not_found`. */
export const params = z.object({ id: z.string().describe('The id of the job.') });
