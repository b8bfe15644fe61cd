import { z } from 'zod';
import type { Kind, Registry } from './kind.ts';

const learningRate = z.number().positive().max(100).describe('The learning rate, before the schedule.');
const beta = z.number().min(0).lt(1);
const weightDecay = z.number().min(0).max(10).default(0);
const epsilon = z
  .number()
  .positive()
  .max(1)
  .default(1e-8)
  .describe('A small number that keeps the denominator away from 0.');

/** The optimizers have PyTorch's update rules and defaults. */
export const optimizerSchema = z.discriminatedUnion(
  'type',
  [
    z.strictObject({
      type: z.literal('adam').describe('Adam (arXiv:1412.6980).'),
      learningRate: learningRate.default(1e-3),
      beta1: beta.default(0.9).describe('The decay of the mean of the gradients, per step.'),
      beta2: beta.default(0.999).describe('The decay of the mean of the squared gradients, per step.'),
      epsilon,
      weightDecay: weightDecay.describe('The L2 penalty, which is added to the gradient.'),
    }),
    z.strictObject({
      type: z
        .literal('adamw')
        .describe('AdamW, which is Adam with decoupled weight decay (arXiv:1711.05101).'),
      learningRate: learningRate.default(1e-3),
      beta1: beta.default(0.9).describe('The decay of the mean of the gradients, per step.'),
      beta2: beta.default(0.999).describe('The decay of the mean of the squared gradients, per step.'),
      epsilon,
      weightDecay: z
        .number()
        .min(0)
        .max(10)
        .default(1e-2)
        .describe('The weight decay, decoupled from the gradient (arXiv:1711.05101).'),
    }),
    z.strictObject({
      type: z.literal('sgd').describe('Stochastic gradient descent, with or without momentum.'),
      learningRate: learningRate.default(0.1),
      momentum: beta.default(0).describe('The decay of the velocity, per step; 0 is plain gradient descent.'),
      nesterov: z
        .boolean()
        .default(false)
        .describe("Whether the momentum is Nesterov's. Needs a momentum above 0."),
      weightDecay: weightDecay.describe('The L2 penalty, which is added to the gradient.'),
    }),
  ],
  { error: (issue) => (issue.code === 'invalid_union' ? 'must be one of: adam, adamw, sgd' : undefined) },
);

const warmupEpochs = z
  .number()
  .min(0)
  .max(1000)
  .default(0)
  .describe('Epochs over which the learning rate rises linearly from 0; fractions are allowed.');

export const scheduleSchema = z.discriminatedUnion(
  'type',
  [
    z.strictObject({
      type: z.literal('constant').describe('Keeps the learning rate after the warm-up.'),
      warmupEpochs,
    }),
    z.strictObject({
      type: z.literal('step').describe('Multiplies the learning rate by `gamma` at each milestone.'),
      milestones: z
        .array(z.number().int().min(1))
        .min(1)
        .max(100)
        .describe('Epochs, counted from 1, after which the learning rate is multiplied by `gamma`.'),
      gamma: z.number().positive().max(1).default(0.1).describe('The factor at each milestone.'),
      warmupEpochs,
    }),
    z.strictObject({
      type: z
        .literal('cosine')
        .describe('Lowers the learning rate along half a cosine down to `finalFraction` of it.'),
      finalFraction: z
        .number()
        .min(0)
        .max(1)
        .default(0)
        .describe('The share of the learning rate that is left at the last step.'),
      warmupEpochs,
    }),
  ],
  {
    error: (issue) => (issue.code === 'invalid_union' ? 'must be one of: constant, step, cosine' : undefined),
  },
);

/** The augmentations that earlier versions had, and that a single word still names. */
const words = ['none', 'flip', 'crop_flip'] as const;

function augmentationOf(transforms: Registry<Kind>) {
  return z
    .strictObject({
      type: z
        .enum(words)
        .default('none')
        .describe(
          'One word instead of `transforms`: `flip` and `crop_flip` are the transforms of these names, with their default ' +
            'options. `none` leaves images as they are, unless there are `transforms`.',
        ),
      transforms: z
        .array(transforms.schema)
        .max(16)
        .optional()
        .describe(
          'What is done to a training sample, one transform after the other, for example ' +
            '`[{"type": "random_resized_crop"}, {"type": "flip"}, {"type": "mixup"}]`. `GET /v1/transforms` describes them. ' +
            'Transforms that mix samples come last.',
        ),
      seed: z.number().int().min(0).max(4294967295).default(0).describe('Another seed gives other views.'),
      views: z
        .union([z.int().min(1).max(64), z.literal('fresh')])
        .default(4)
        .describe(
          'How many augmented views of each sample students cycle through: epoch e takes view e mod `views`. The outputs of the ' +
            'teacher are cached for each view. With `"fresh"` every epoch is a new view, nothing is cached, and the teacher runs ' +
            'in the training loop of each student. Without an augmentation there is one view, and it is cached. The teacher itself ' +
            'trains on a new view every epoch.',
        ),
    })
    .superRefine(({ type, transforms: list }, context) => {
      if (type === 'none' || list === undefined) return;
      context.addIssue({
        code: 'custom',
        path: ['transforms'],
        message: `cannot be given beside "type": "${type}"; add {"type": "${type}"} to the list and leave out the type`,
        input: list,
      });
    });
}

const fieldsOf = (augmentation: ReturnType<typeof augmentationOf>) => ({
  epochs: z.number().int().min(1).max(10_000).describe('Passes over the training set.'),
  batchSize: z.number().int().min(1).max(65_536).describe('Samples per step.'),
  optimizer: optimizerSchema.describe('The rule that turns gradients into steps.'),
  schedule: scheduleSchema.describe('How the learning rate changes over the epochs.'),
  gradientClip: z
    .number()
    .positive()
    .nullable()
    .describe('The largest global L2 norm of the gradients; null does not clip.'),
  augmentation: augmentation.describe('How training samples vary from epoch to epoch.'),
  precision: z
    .enum(['float32', 'bfloat16'])
    .describe(
      'The precision of convolutions and matrix products in training. Weights stay float32. `bfloat16` needs a processor ' +
        'that supports it; layers that are too small to gain from it are computed in float32.',
    ),
  seed: z
    .number()
    .int()
    .min(0)
    .max(4294967295)
    .describe('The seed of a teacher. Students take theirs from `seeds`.'),
  // Without a default, so that digests of trainings without them stay as they were.
  sampling: z
    .literal('balanced')
    .optional()
    .describe(
      '`"balanced"`: an epoch takes as many samples of each class, in all as many as there are. Large classes are not seen whole in an epoch, small ones several times. Default: each sample once.',
    ),
  classWeights: z
    .literal('balanced')
    .optional()
    .describe(
      '`"balanced"` weighs the samples in `cross_entropy` by 1 over the size of their class, in mean 1 in each batch. Other terms are not weighed. Default: all alike.',
    ),
});

function schemasOf(transforms: Registry<Kind>) {
  const augmentation = augmentationOf(transforms);
  const fields = fieldsOf(augmentation);
  return {
    augmentation,
    /** How a network is trained: everything but its method and its data. */
    training: z.strictObject({
      epochs: fields.epochs.default(10),
      batchSize: fields.batchSize.default(128),
      optimizer: fields.optimizer.prefault({ type: 'adam' }),
      schedule: fields.schedule.prefault({ type: 'constant' }),
      gradientClip: fields.gradientClip.default(null),
      augmentation: fields.augmentation.prefault({}),
      precision: fields.precision.default('float32'),
      seed: fields.seed.default(42),
      sampling: fields.sampling,
      classWeights: fields.classWeights,
    }),
    /** The settings in which a teacher or a student differs from the job's `training`. */
    override: z.strictObject(fields).partial(),
  };
}
type TrainingSchemas = ReturnType<typeof schemasOf>;

const built = new WeakMap<Registry<Kind>, TrainingSchemas>();

/**
 * Returns the schemas of training settings over the installed transforms. There is one of each for a registry, so that the
 * OpenAPI page can refer to them by name.
 */
export function trainingSchemas(transforms: Registry<Kind>): TrainingSchemas {
  const known = built.get(transforms) ?? schemasOf(transforms);
  built.set(transforms, known);
  return known;
}

export type Training = z.output<TrainingSchemas['training']>;
export type Optimizer = z.output<typeof optimizerSchema>;
export type Schedule = z.output<typeof scheduleSchema>;
export type Augmentation = z.output<TrainingSchemas['augmentation']>;
