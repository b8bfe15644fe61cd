import { DistilleryError, initialSchema, type Kind, type Registry, trainingSchemas } from '@distillery/spec';
import { z } from 'zod';
import type { TeacherKind } from '../provider.ts';

/** The registries that the options of a trained teacher choose from. */
export interface Parts {
  architectures: Registry<Kind>;
  datasets: Registry<Kind, 'source'>;
  transforms: Registry<Kind>;
}

function optionsOf({ architectures, datasets, transforms }: Parts) {
  return z.strictObject({
    architecture: architectures.schema.describe('The network of the teacher.'),
    training: trainingSchemas(transforms)
      .override.default({})
      .describe("Settings that differ from the job's `training`."),
    dataset: datasets.schema
      .optional()
      .describe("The data set that this teacher is trained on. Default: the job's."),
    // Without a default: a worker of an earlier version, which does not know it, still takes jobs without it.
    initial: initialSchema
      .optional()
      .describe('The first weights: those of another network instead of random ones, which is fine-tuning.'),
  });
}
type Options = ReturnType<typeof optionsOf>;
export type TrainedOptions = z.output<Options>;

/** A teacher that the job trains on the labels, or reuses from an earlier job that trained it in the same way. */
export function trained(parts: Parts): TeacherKind<Options> {
  return {
    type: 'trained',
    summary: 'A network that the job trains on the labels before its students.',
    options: optionsOf(parts),
    trains: true,
    outline: async ({ architecture }) => ({ architecture }),
    async open(_, { trained: weights, network }) {
      if (weights === undefined) throw new DistilleryError('internal', 'the teacher has not been trained');
      return await network(weights);
    },
  };
}
