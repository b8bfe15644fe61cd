import { z } from 'zod';

const learningRate = z.number().positive().max(100);
const beta = z.number().min(0).lt(1);
const weightDecay = z.number().min(0).max(10).default(0);
const epsilon = z.number().positive().max(1).default(1e-8);

/** Defaults are PyTorch's, and so are the update rules. */
const optimizerSchema = z.discriminatedUnion(
  'type',
  [
    z.strictObject({
      type: z.literal('adam'),
      learningRate: learningRate.default(1e-3),
      beta1: beta.default(0.9),
      beta2: beta.default(0.999),
      epsilon,
      weightDecay: weightDecay.describe('L2 penalty, added to the gradient'),
    }),
    z.strictObject({
      type: z.literal('adamw'),
      learningRate: learningRate.default(1e-3),
      beta1: beta.default(0.9),
      beta2: beta.default(0.999),
      epsilon,
      weightDecay: z.number().min(0).max(10).default(1e-2).describe('decoupled from the gradient'),
    }),
    z.strictObject({
      type: z.literal('sgd'),
      learningRate: learningRate.default(0.1),
      momentum: beta.default(0),
      nesterov: z.boolean().default(false).describe('needs a momentum above 0'),
      weightDecay,
    }),
  ],
  { error: (issue) => (issue.code === 'invalid_union' ? 'must be one of: adam, adamw, sgd' : undefined) },
);

const warmupEpochs = z
  .number()
  .min(0)
  .max(1000)
  .default(0)
  .describe('epochs over which the rate climbs linearly to its value; fractions are allowed');

const scheduleSchema = z.discriminatedUnion(
  'type',
  [
    z.strictObject({ type: z.literal('constant'), warmupEpochs }),
    z.strictObject({
      type: z.literal('step'),
      milestones: z
        .array(z.number().int().min(1))
        .min(1)
        .max(100)
        .describe('epochs (counted from 1) after which the rate is multiplied by gamma'),
      gamma: z.number().positive().max(1).default(0.1),
      warmupEpochs,
    }),
    z.strictObject({
      type: z.literal('cosine'),
      finalFraction: z.number().min(0).max(1).default(0).describe('of the rate, reached at the last step'),
      warmupEpochs,
    }),
  ],
  {
    error: (issue) => (issue.code === 'invalid_union' ? 'must be one of: constant, step, cosine' : undefined),
  },
);

export const augmentationSchema = z.strictObject({
  type: z
    .enum(['none', 'flip', 'crop_flip'])
    .default('none')
    .describe('crop_flip: 4 pixels of zero padding, then both'),
  seed: z.number().int().min(0).max(4294967295).default(0),
  views: z
    .number()
    .int()
    .min(1)
    .max(64)
    .default(4)
    .describe(
      'different augmented views of each image; epoch e sees view e mod views, so that the teacher speaks once for each',
    ),
});

const fields = {
  epochs: z.number().int().min(1).max(10_000),
  batchSize: z.number().int().min(1).max(65_536),
  optimizer: optimizerSchema,
  schedule: scheduleSchema,
  gradientClip: z
    .number()
    .positive()
    .nullable()
    .describe('largest global L2 norm of the gradients; null: no clipping'),
  augmentation: augmentationSchema,
  precision: z
    .enum(['float32', 'bfloat16'])
    .describe(
      'of convolutions and matrix products in training; bfloat16 keeps float32 weights and needs a processor that has it',
    ),
  seed: z
    .number()
    .int()
    .min(0)
    .max(4294967295)
    .describe("the teacher's seed; students take theirs from `seeds`"),
};

/** How a network is trained. */
export const trainingSchema = z.strictObject({
  epochs: fields.epochs.default(10),
  batchSize: fields.batchSize.default(128),
  optimizer: fields.optimizer.prefault({ type: 'adam' }),
  schedule: fields.schedule.prefault({ type: 'constant' }),
  gradientClip: fields.gradientClip.default(null),
  augmentation: fields.augmentation.prefault({}),
  precision: fields.precision.default('float32'),
  seed: fields.seed.default(42),
});

/** What a teacher or a student trains differently from the job's `training`. */
export const trainingOverrideSchema = z.strictObject(fields).partial();

export type Training = z.output<typeof trainingSchema>;
export type Optimizer = z.output<typeof optimizerSchema>;
export type Schedule = z.output<typeof scheduleSchema>;
export type Augmentation = z.output<typeof augmentationSchema>;
