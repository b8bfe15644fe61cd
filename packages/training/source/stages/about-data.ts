import type { Store } from '@distillery/store';
import { z } from 'zod';
import { encodeTestSamples } from '../test-samples.ts';
import type { Materials } from './materials.ts';
import { blobSchema } from './blob.ts';

/** The report's description of the data that a network was trained on. */
export const aboutDataSchema = z.object({
  digest: z.string().describe('The digest of the data set.'),
  classes: z.array(z.string()).describe('The class names, in the order of the labels.'),
  train: z.number().int().describe('The number of training samples.'),
  validation: z.number().int().describe('The number of validation samples.'),
  test: z.number().int().describe('The number of test samples.'),
  skipped: z.number().int().describe('The number of samples that could not be read.'),
  normalization: z
    .object({ mean: z.array(z.number()), std: z.array(z.number()) })
    .optional()
    .describe('The mean and standard deviation of each channel, for pixels in 0 to 1; absent for texts.'),
  testLabels: blobSchema.describe('The labels of the test split: `[test]`, as the bytes of int32.'),
  testSamples: blobSchema
    .optional()
    .describe('Some samples of the test split, for people; absent in results of earlier versions.'),
});
export type AboutData = z.output<typeof aboutDataSchema>;

/** The digests of the blobs that describe the data. */
export function dataBlobs({ testLabels, testSamples }: AboutData): string[] {
  return [testLabels, ...(testSamples === undefined ? [] : [testSamples])].map(({ digest }) => digest);
}

/** Describes a stage's data, and stores the labels of its test split and some of its samples. */
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
    testSamples: await store.put(await encodeTestSamples(dataset)),
  };
}
