import { networkResultSchema, scoreSchema } from '@distillery/spec';
import { z } from 'zod';
import type { AboutData } from './about-data.ts';
import { blobSchema } from './blob.ts';

/** A score without what needs the teacher. */
const ownScoreSchema = scoreSchema
  .omit({ agreement: true, teacherDivergence: true })
  .extend({ logits: blobSchema.describe('of the test set, `[count, classes]` float32') });
export type OwnScore = z.output<typeof ownScoreSchema>;

/** What a training stage returns of a network: the report's entry and the test logits that it is computed from. */
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

/** A network of the job by the stage that trained it; a stage may train several. */
export const networkReferenceSchema = z.strictObject({ stage: z.string(), network: z.string() });
export type NetworkReference = z.output<typeof networkReferenceSchema>;

/** The digests of a network's weights and test logits. */
export function blobsOf({ best, last }: TrainedNetwork): string[] {
  return [best, last].flatMap(({ weights, logits }) => [weights.digest, logits.digest]);
}
