import { z } from 'zod';

/** Whether the service removes nothing from its store now, so that a copy of the store is complete. */
export const holdSchema = z.object({
  until: z.iso
    .datetime()
    .nullable()
    .describe('Until when nothing is removed from the store; null while unused files are removed as usual.'),
});
export type Hold = z.output<typeof holdSchema>;
