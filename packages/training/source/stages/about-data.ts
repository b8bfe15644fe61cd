import type { Store } from '@distillery/store';
import { z } from 'zod';
import type { Materials } from './materials.ts';
import { blobSchema } from './blob.ts';

/** What the report says of the data that a network was trained on. */
export const aboutDataSchema = z.object({
  digest: z.string(),
  classes: z.array(z.string()),
  train: z.number().int(),
  validation: z.number().int(),
  test: z.number().int(),
  skipped: z.number().int(),
  normalization: z
    .object({ mean: z.array(z.number()), std: z.array(z.number()) })
    .optional()
    .describe('absent for texts'),
  testLabels: blobSchema.describe('`[test]`, int32 as bytes'),
});
export type AboutData = z.output<typeof aboutDataSchema>;

/** Describes a stage's data, and stores the labels of its test split. */
export async function aboutData({ dataset, indices }: Materials, store: Store): Promise<AboutData> {
  const { buffer, byteOffset, byteLength } = dataset.test.labels;
  return {
    digest: dataset.digest,
    classes: dataset.classes,
    train: indices.train.length,
    validation: indices.validation.length,
    test: dataset.test.count,
    skipped: dataset.skipped.count,
    normalization: dataset.normalization,
    testLabels: await store.put(new Uint8Array(buffer, byteOffset, byteLength)),
  };
}
