import { z } from 'zod';
import { scheduled, weightRange } from './scheduled.ts';

/** The scores of one trained network. The test set is read once, after training, and does not influence any choice. */
export const scoreSchema = z.object({
  epoch: z.number().int().describe('The epoch after which the scored weights were saved.'),
  testAccuracy: z.number().describe('The share of test samples that are classified correctly, from 0 to 1.'),
  testLoss: z.number().describe('The mean cross-entropy on the test set, in nats.'),
  validationAccuracy: z
    .number()
    .nullable()
    .describe(
      'The share of validation samples that are classified correctly; null without a validation set.',
    ),
  expectedCalibrationError: z
    .number()
    .describe('The expected calibration error on the test set, with 15 bins of equal width.'),
  agreement: z
    .number()
    .nullable()
    .describe(
      'The share of test samples for which the teacher predicts the same class; null without a teacher.',
    ),
  teacherDivergence: z
    .number()
    .nullable()
    .describe('The mean of KL(teacher ‖ student) on the test set, in nats; null without a teacher.'),
  weights: z.object({ digest: z.string(), size: z.number().int() }),
});
export type Score = z.output<typeof scoreSchema>;

export const engineInfoSchema = z.object({
  name: z.string(),
  backend: z.string(),
  bfloat16: z
    .string()
    .nullable()
    .describe('The reason why the engine cannot train in bfloat16; null if it can.'),
  threads: z.number().int(),
  versions: z.record(z.string(), z.string()),
  hardware: z.string(),
  gigaflops: z
    .number()
    .nullable()
    .describe(
      'The speed in 10⁹ floating-point operations per second, measured on a convolution when the worker started.',
    ),
});
export type EngineInfo = z.output<typeof engineInfoSchema>;

const termResultSchema = z.object({
  name: z.string(),
  weight: scheduled(weightRange).describe(
    'The weight in training. For `auto` it is the number that was determined.',
  ),
  gradientNorm: z
    .number()
    .describe(
      "The L2 norm of the unweighted term's gradient with respect to the network's parameters, at the first step.",
    ),
  suggestedWeight: z
    .number()
    .nullable()
    .describe(
      'The weight that gives the gradient the norm of cross_entropy with weight 1; null if the norm is 0.',
    ),
});
/** A term's weight and the gradient that the preflight measured. */
export type TermResult = z.output<typeof termResultSchema>;

export const networkResultSchema = z.object({
  stage: z.string(),
  seed: z.number().int(),
  parameters: z.number().int(),
  flops: z
    .number()
    .describe('Floating-point operations of one forward pass of one sample. A multiply-add counts as two.'),
  latencyMs: z
    .number()
    .describe(
      'The median time of a forward pass of one sample, in milliseconds, on the worker that trained the network.',
    ),
  initialWeights: z.string().describe('The SHA-256 digest of the weights before the first step.'),
  last: scoreSchema,
  best: scoreSchema.describe(
    'The scores of the best epoch, chosen on the validation set alone; those of the last epoch without a validation set.',
  ),
  terms: z.array(termResultSchema),
  losses: z.record(z.string(), z.number()).describe('The unweighted mean of each term in the last epoch.'),
  epochs: z.number().int(),
  seconds: z.number().describe('Seconds of training, summed over all attempts of the stage.'),
  precision: z
    .string()
    .describe(
      'The precision of convolutions and matrix products in training. Scores are computed in float32.',
    ),
  reused: z
    .boolean()
    .describe('Whether the network comes from an earlier job that trained the same network.'),
  engine: engineInfoSchema,
  peakMemoryBytes: z.number().int().describe('The largest resident set of the trainer process, in bytes.'),
  datasetBytes: z.number().int().describe('The size of the decoded training and test sets, in bytes.'),
});
export type NetworkResult = z.output<typeof networkResultSchema>;

const spreadSchema = z.object({
  mean: z.number(),
  sd: z.number().nullable().describe('The sample standard deviation over the seeds; null for one seed.'),
});
export type Spread = z.output<typeof spreadSchema>;

export const reportSchema = z.object({
  job: z.string(),
  name: z.string().nullable(),
  createdAt: z.iso.datetime(),
  dataset: z.object({
    source: z.string(),
    digest: z.string(),
    classes: z.array(z.string()),
    train: z.number().int(),
    validation: z.number().int(),
    test: z.number().int(),
    skipped: z.number().int(),
  }),
  teachers: z
    .array(networkResultSchema.extend({ name: z.string() }))
    .describe('The teachers, starting with `teacher`. Empty if the students teach each other.'),
  students: z.array(
    z.object({
      name: z.string(),
      teachers: z.array(z.string()).describe('The names of its teachers; empty for controls and peers.'),
      control: z.string().nullable().describe('The name of the control that it is compared with.'),
      architecture: z.record(z.string(), z.unknown()),
      method: z.array(z.record(z.string(), z.unknown())),
      runs: z.array(networkResultSchema),
      testAccuracy: z.object({ last: spreadSchema, best: spreadSchema }),
      agreement: spreadSchema.nullable(),
      teacherDivergence: spreadSchema.nullable(),
      expectedCalibrationError: spreadSchema,
      gapClosed: z
        .object({ last: spreadSchema, best: spreadSchema })
        .nullable()
        .describe(
          'The share of the gap in test accuracy that distillation closed, (student − control) / (teacher − control), for each seed; null without a control or without a gap.',
        ),
    }),
  ),
  ensembles: z
    .array(
      z.object({
        name: z.string(),
        members: z.array(z.string()),
        testAccuracy: spreadSchema,
        expectedCalibrationError: spreadSchema,
      }),
    )
    .describe(
      'Networks that predict together, with their best weights: the mean probabilities of the generations of a student or of peers, and the weighted logits of several teachers.',
    ),
  outputs: z
    .array(
      z.object({
        teacher: z.string(),
        augmentation: z.string(),
        views: z.number().int().describe('The number of cached augmented views of each training image.'),
        taps: z.array(z.string()),
        bytes: z.number(),
        reused: z.boolean(),
      }),
    )
    .describe('The cached outputs of the teachers.'),
  stages: z.array(
    z.object({
      id: z.string(),
      worker: z.string().nullable(),
      attempts: z.number().int().describe('The number of times that a worker took the stage.'),
      seconds: z
        .number()
        .nullable()
        .describe(
          'Seconds from the start of the last attempt to its end; null for a stage that has not ended.',
        ),
    }),
  ),
  warnings: z
    .array(z.string())
    .describe('The findings of the report, the warnings of the stages and the skipped data, as sentences.'),
});
export type Report = z.output<typeof reportSchema>;
