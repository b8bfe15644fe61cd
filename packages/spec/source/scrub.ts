import { z } from 'zod';

/** The most findings that a report lists; it counts all of them. */
export const maxScrubFindings = 1000;

const finding = z.object({
  kind: z.enum(['blob', 'manifest']),
  name: z.string().describe('The digest of a blob, or the name of a manifest.'),
  fault: z
    .enum(['damaged', 'missing'])
    .describe('`damaged`: its content does not match its digest. `missing`: a job or a manifest names it.'),
  jobs: z.array(z.string()).describe('Jobs that need it, at most ten. `retry` computes it again.'),
  manifests: z.array(z.string()).describe('Manifests that name it, at most ten.'),
  removed: z.boolean().describe('Whether it was removed, so that a job that needs it computes it again.'),
});
export type ScrubFinding = z.output<typeof finding>;

/** What a scrub of the store has found so far. */
export const scrubReportSchema = z.object({
  state: z
    .enum(['running', 'done', 'failed', 'stopped'])
    .describe('`stopped`: the API ended before the scrub did.'),
  remove: z.boolean().describe('Whether damaged files are removed.'),
  content: z
    .boolean()
    .describe(
      'Whether the bytes of blobs are compared with their digests; false looks only whether they are there, and not for checkpoints, which trainers replace.',
    ),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime().nullable(),
  jobs: z.number().int().describe('The number of jobs whose records were read.'),
  artifacts: z.number().int().describe('The number of blobs and manifests that jobs and manifests name.'),
  services: z
    .number()
    .int()
    .describe(
      'Other services that have used the store. Above 0 the store and Redis may not belong together, and nothing is collected.',
    ),
  newStore: z
    .boolean()
    .describe(
      'Whether this service began to use the store after its oldest job was created, so that it was another store before.',
    ),
  blobs: z.number().int().describe('The number of blobs that were read or looked at.'),
  bytes: z.number().int().describe('Their size in bytes.'),
  totalBytes: z.number().int().describe('The size of all blobs in the store, in bytes.'),
  manifests: z.number().int().describe('The number of manifests that were read.'),
  damaged: z.number().int().describe('The number of damaged blobs and manifests.'),
  missing: z.number().int().describe('The number of missing blobs and manifests.'),
  removed: z.number().int().describe('The number of damaged files that were removed.'),
  findings: z.array(finding).describe(`The first ${maxScrubFindings} of them.`),
  error: z.string().nullable().describe('Why the scrub failed.'),
});
export type ScrubReport = z.output<typeof scrubReportSchema>;
