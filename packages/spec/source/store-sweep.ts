import { z } from 'zod';

/** The files of the store that no job needs, as a sweep has counted or removed them. */
export const sweepReportSchema = z.object({
  removed: z.boolean().describe('Whether they were removed.'),
  blobs: z.number().int().describe('Orphaned blobs: files that no manifest names.'),
  bytes: z.number().int().describe('Their size in bytes.'),
  checkpoints: z.number().int().describe('Checkpoints of jobs that no longer exist.'),
  shared: z.number().int().describe('Shared teachers, outputs and auxiliary networks that no job names.'),
});
export type SweepReport = z.output<typeof sweepReportSchema>;
