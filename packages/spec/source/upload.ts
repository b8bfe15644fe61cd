import { z } from 'zod';

/** A file that is being uploaded, or was. */
export const uploadSchema = z.object({
  id: z.string().describe('The id of the upload.'),
  name: z.string().describe('The name of the file.'),
  owner: z.string().nullable().describe('The name of the API key that sends it; null while keys are off.'),
  size: z.int().min(0).describe('The bytes of the whole file.'),
  offset: z.int().min(0).describe('The bytes that are stored.'),
  state: z.enum(['receiving', 'complete']).describe('`complete` when all bytes are stored.'),
  digest: z
    .string()
    .nullable()
    .describe('The SHA-256 of the file in hexadecimal; null until it is complete.'),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso
    .datetime()
    .describe(
      'When the upload is removed, unless more bytes come. Data sets and networks made from it stay.',
    ),
});
export type Upload = z.output<typeof uploadSchema>;
