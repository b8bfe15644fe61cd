import { DistilleryError, type Kind, type Registry, trainingOverrideSchema } from '@distillery/spec';
import { z } from 'zod';
import type { TeacherKind } from '../provider.ts';

/** The kinds that a trained teacher is made of. */
export interface Parts {
  architectures: Registry<Kind>;
  datasets: Registry<Kind, 'source'>;
}

function optionsOf({ architectures, datasets }: Parts) {
  return z.strictObject({
    architecture: architectures.schema.describe('The network; see the catalogue of architectures.'),
    training: trainingOverrideSchema.default({}).describe("Settings that differ from the job's `training`."),
    dataset: datasets.schema
      .optional()
      .describe("The data set that this teacher is trained on. Default: the job's."),
  });
}
type Options = ReturnType<typeof optionsOf>;
export type TrainedOptions = z.output<Options>;

/** A teacher that the job trains on labels, or takes over from an earlier job that trained it in the same way. */
export function trained(parts: Parts): TeacherKind<Options> {
  return {
    type: 'trained',
    summary: 'A network that the job trains first',
    options: optionsOf(parts),
    trains: true,
    outline: async ({ architecture }) => ({ architecture }),
    async open(_, { trained: weights, network }) {
      if (weights === undefined) throw new DistilleryError('internal', 'the teacher has not been trained');
      return await network(weights);
    },
  };
}
