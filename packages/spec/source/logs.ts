import { z } from 'zod';
import { logEvent } from './events.ts';

const recordedLineSchema = logEvent.omit({ type: true, job: true });
/** A line of a job's log, with its place among the events of the job. */
export type RecordedLine = z.output<typeof recordedLineSchema>;

export const jobLogsSchema = z.object({
  lines: z.array(recordedLineSchema).describe('The lines, oldest first.'),
  after: z
    .string()
    .nullable()
    .describe(
      'The position to continue from, in this route or in `GET /v1/jobs/{id}/events`; null before the first event.',
    ),
  more: z.boolean().describe('Whether there are more lines after these now.'),
});
/** A page of the lines that the trainers and supervisors of a job have logged. */
export type JobLogs = z.output<typeof jobLogsSchema>;
