import { z } from 'zod';
import { networkId, weightsDigest } from './stored-weights.ts';

/** Where a network's first weights come from, in place of random numbers. */

const fields = {
  network: networkId,
  weights: weightsDigest
    .optional()
    .describe('The digest of a stored weights file, such as that of a network of an earlier job.'),
  layers: z
    .array(z.int().min(0).max(255))
    .min(1)
    .max(64)
    .optional()
    .describe(
      'For transformers: the layers that are copied, counted from 0, one for each layer of this network. `[0, 2, 4]` starts a network of three layers from every second layer of one with six, as DistilBERT does. Default: both have the same layers.',
    ),
  classifier: z
    .enum(['copied', 'fresh'])
    .default('copied')
    .describe(
      'Whether the layer that knows the classes is copied too, which needs the same classes in the same order, or starts from random weights.',
    ),
};

/** The fields that name a source; exactly one of them is given. */
function oneOf(names: readonly string[]) {
  return (given: object, context: z.RefinementCtx): void => {
    const found = names.filter((name) => (given as Record<string, unknown>)[name] !== undefined);
    if (found.length === 1) return;
    const message = `must have exactly one of: ${names.join(', ')}`;
    context.addIssue({ code: 'custom', message, input: given });
  };
}

/** The first weights of a network that learns from labels alone. */
export const initialSchema = z.strictObject(fields).superRefine(oneOf(['network', 'weights']));

/** The first weights of a student, which may also be those of a teacher of the job. */
export const studentInitialSchema = z
  .strictObject({
    ...fields,
    from: z
      .string()
      .max(48)
      .optional()
      .describe('The name of a teacher of the job whose weights are copied, such as `teacher`.'),
  })
  .superRefine(oneOf(['from', 'network', 'weights']));

export type Initial = z.output<typeof studentInitialSchema>;
