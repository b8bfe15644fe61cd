import { networkResultSchema, scoreSchema } from '@distillery/spec';
import { z } from 'zod';
import type { AboutData } from './about-data.ts';
import { blobSchema } from './blob.ts';

/** A score without the comparison to the teacher. */
const ownScoreSchema = scoreSchema
  .omit({ agreement: true, teacherDivergence: true })
  .extend({ logits: blobSchema.describe('The logits for the test split: `[count, classes]` float32.') });
export type OwnScore = z.output<typeof ownScoreSchema>;

/** A training stage's result for one network: its entry in the report, and the test logits behind the scores. */
export const trainedNetworkSchema = networkResultSchema.extend({
  last: ownScoreSchema,
  best: ownScoreSchema,
});
export type TrainedNetwork = z.output<typeof trainedNetworkSchema>;

/** A network with the data that it was trained on. */
export interface Trained {
  result: TrainedNetwork;
  data: AboutData;
}

/** A network of the job, identified by its name and the stage that trained it, which may have trained several. */
export const networkReferenceSchema = z.strictObject({
  stage: z.string().describe('The id of the stage that trained the network.'),
  network: z.string().describe('The name of the network.'),
});
export type NetworkReference = z.output<typeof networkReferenceSchema>;

/** The digests of a network's weights and test logits. */
export function blobsOf({ best, last }: TrainedNetwork): string[] {
  return [best, last].flatMap(({ weights, logits }) => [weights.digest, logits.digest]);
}
