import { z } from 'zod';

/** The most different warnings that a job keeps; the event log has later ones too. */
export const maxWarnings = 100;

/** The most data sets of a job whose skipped samples are kept: its own, and those of teachers with other data. */
export const maxSkippedData = 20;

/** The most skipped samples of one data set that are kept by name; `count` has them all. */
export const maxSkippedNames = 20;

export const jobWarningSchema = z.object({
  stage: z.string().describe('The stage that gave the warning.'),
  attempt: z.number().int().describe('The attempt of that stage which gave the warning last.'),
  time: z.iso.datetime().describe('When the warning was given last.'),
  message: z.string().describe('The warning as a sentence for people.'),
  count: z.number().int().min(1).describe('How many times this stage gave this warning, over all attempts.'),
});
/** Something that people should know and that stops nothing; equal warnings of one stage are one entry. */
export type JobWarning = z.output<typeof jobWarningSchema>;

const skippedSampleSchema = z.object({
  name: z.string().describe('The name of the file, or the line of the table.'),
  reason: z.string().describe('Why the sample could not be read.'),
});

export const skippedDataSchema = z.object({
  stage: z.string().describe('The first stage that loaded the data set.'),
  digest: z.string().describe('The digest of the data set; teachers may have data of their own.'),
  count: z.number().int().min(1).describe('How many samples could not be read and were left out.'),
  samples: z
    .array(skippedSampleSchema)
    .max(maxSkippedNames)
    .describe(`The first ${maxSkippedNames} of these samples, with the reason for each.`),
});
/** Samples of one data set that could not be read and were left out. */
export type SkippedData = z.output<typeof skippedDataSchema>;
