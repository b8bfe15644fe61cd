import { z } from 'zod';
import { scheduled, weightRange } from './scheduled.ts';

/** The scores of one trained network. The test set is read once, after training, and selects nothing. */
export const scoreSchema = z.object({
  epoch: z.number().int().describe('The epoch whose weights were scored.'),
  testAccuracy: z.number().describe('The accuracy on the test set, 0 to 1.'),
  testLoss: z.number().describe('The mean cross-entropy on the test set.'),
  validationAccuracy: z
    .number()
    .nullable()
    .describe('The accuracy on the validation split, 0 to 1; null without one.'),
  expectedCalibrationError: z
    .number()
    .describe('The expected calibration error on the test set, with 15 bins of equal width.'),
  agreement: z
    .number()
    .nullable()
    .describe("The share of test samples with the teacher's prediction; null without a teacher."),
  teacherDivergence: z
    .number()
    .nullable()
    .describe('The mean KL(teacher‖student) on the test set, in nats; null without a teacher.'),
  weights: z.object({ digest: z.string(), size: z.number().int() }),
});
export type Score = z.output<typeof scoreSchema>;

export const engineInfoSchema = z.object({
  name: z.string(),
  backend: z.string(),
  bfloat16: z.string().nullable().describe('Why the engine does not compute in bfloat16; null if it does.'),
  eagerSteps: z
    .string()
    .nullable()
    .describe(
      'Why the engine takes training steps operation by operation; null if it compiles a step into one function.',
    ),
  threads: z.number().int(),
  versions: z.record(z.string(), z.string()),
  hardware: z.string(),
  gigaflops: z
    .number()
    .nullable()
    .describe('The speed in GFLOPS, measured on a convolution when the worker started.'),
});
export type EngineInfo = z.output<typeof engineInfoSchema>;

const termResultSchema = z.object({
  name: z.string(),
  weight: scheduled(weightRange).describe(
    'The weight that was trained with; for `auto`, the number that was chosen.',
  ),
  gradientNorm: z
    .number()
    .describe(
      "The L2 norm of the term's gradient by the parameters of the network at the first step, before the weight.",
    ),
  suggestedWeight: z
    .number()
    .nullable()
    .describe(
      'The weight at which that norm equals that of cross_entropy at weight 1; null if the norm is 0.',
    ),
});
/** What preflight measured for a term, and its weight. */
export type TermResult = z.output<typeof termResultSchema>;

export const networkResultSchema = z.object({
  stage: z.string(),
  seed: z.number().int(),
  parameters: z
    .number()
    .int()
    .describe('The number of parameters; 0 for a teacher of which only outputs are known.'),
  flops: z
    .number()
    .describe(
      'The floating-point operations of one forward pass of one sample; a multiply-add counts as two.',
    ),
  latencyMs: z
    .number()
    .describe(
      'The median milliseconds for one sample at a time, on the worker that trained the network; 0 for a teacher whose outputs are given.',
    ),
  initialWeights: z.string().describe('The SHA-256 of the weights before the first step.'),
  last: scoreSchema,
  best: scoreSchema.describe(
    'The epoch with the best accuracy on the validation split; the last epoch without one.',
  ),
  terms: z.array(termResultSchema),
  losses: z
    .record(z.string(), z.number())
    .describe('The mean of each term over the last epoch, before its weight.'),
  epochs: z.number().int(),
  seconds: z.number().describe('Seconds of training, summed over all attempts of the stage.'),
  precision: z
    .string()
    .describe(
      'The precision of convolutions and matrix products in training; scores are computed in float32.',
    ),
  steps: z
    .object({
      mode: z
        .enum(['compiled', 'eager'])
        .describe('Whether each step ran as one function of TensorFlow or operation by operation.'),
      reason: z.string().nullable().describe('Why the steps were not compiled; null if they were.'),
    })
    .nullable()
    .describe('The mode of the training steps; null for a network that the job does not train.'),
  reused: z
    .boolean()
    .describe('Whether the network was taken from an earlier job that trained the same one.'),
  engine: engineInfoSchema,
  peakMemoryBytes: z.number().int().describe('The largest resident set of the trainer, in bytes.'),
  datasetBytes: z.number().int().describe('The bytes of decoded samples that the trainer held.'),
});
export type NetworkResult = z.output<typeof networkResultSchema>;

export const spreadSchema = z.object({
  mean: z.number(),
  sd: z.number().nullable().describe('The sample standard deviation; null for one seed.'),
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
    .describe(
      'The teachers, the one of `teacher` first, without those whose outputs are given for the training samples alone; empty when the students are peers.',
    ),
  students: z.array(
    z.object({
      name: z.string(),
      teachers: z
        .array(z.string())
        .describe('The names of the teachers of the student; empty for a control and for peers.'),
      control: z.string().nullable().describe('The name of the control that the student is compared with.'),
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
          '(student − control) / (teacher − control) for each seed; null without a control or without a gap.',
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
      'Networks scored together, by their best weights: the mean of probabilities of the generations of a student or of peers; the weighted mean of logits of several teachers.',
    ),
  outputs: z
    .array(
      z.object({
        teacher: z.string(),
        augmentation: z.string(),
        views: z.number().int().describe('How many seeded views of each training sample are cached.'),
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
      attempts: z.number().int().describe('How many times a worker took the stage.'),
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
    .describe(
      'What people should know: the findings of the report, the warnings of the stages and the data skipped.',
    ),
});
export type Report = z.output<typeof reportSchema>;
