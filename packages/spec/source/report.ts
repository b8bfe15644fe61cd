import { z } from 'zod';
import { scheduled, weightRange } from './scheduled.ts';

/** What one trained network scored; the test set is read once, after training, and chooses nothing. */
export const scoreSchema = z.object({
  epoch: z.number().int().describe('the epoch whose weights were scored'),
  testAccuracy: z.number(),
  testLoss: z.number().describe('cross-entropy'),
  validationAccuracy: z.number().nullable(),
  expectedCalibrationError: z.number().describe('15 bins of equal width'),
  agreement: z.number().nullable().describe("share of test images with the teacher's prediction"),
  teacherDivergence: z.number().nullable().describe('mean KL(teacher‖student) on the test set, nats'),
  weights: z.object({ digest: z.string(), size: z.number().int() }),
});
export type Score = z.output<typeof scoreSchema>;

export const engineInfoSchema = z.object({
  name: z.string(),
  backend: z.string(),
  bfloat16: z.string().nullable().describe('why it does not compute in bfloat16; null where it does'),
  threads: z.number().int(),
  versions: z.record(z.string(), z.string()),
  hardware: z.string(),
  gigaflops: z.number().nullable().describe('measured on a convolution when the worker started'),
});
export type EngineInfo = z.output<typeof engineInfoSchema>;

const termResultSchema = z.object({
  name: z.string(),
  weight: scheduled(weightRange).describe('as trained with: `auto` stands as the number that it came to'),
  gradientNorm: z
    .number()
    .describe("L2 norm at the first step, by the network's parameters, before the weight"),
  suggestedWeight: z
    .number()
    .nullable()
    .describe('the weight at which that norm is the one of cross_entropy at weight 1; null: the norm is 0'),
});
/** What the preflight measured of a term, and its weight. */
export type TermResult = z.output<typeof termResultSchema>;

export const networkResultSchema = z.object({
  stage: z.string(),
  seed: z.number().int(),
  parameters: z.number().int(),
  flops: z.number().describe('of one forward pass of one image; a multiply-add is two'),
  latencyMs: z.number().describe('median of one image at a time, on the worker that trained it'),
  initialWeights: z.string().describe('SHA-256 of the weights before the first step'),
  last: scoreSchema,
  best: scoreSchema.describe('chosen on the validation split alone; the last epoch where there is none'),
  terms: z.array(termResultSchema),
  losses: z.record(z.string(), z.number()).describe("the last epoch's mean of each term, before its weight"),
  epochs: z.number().int(),
  seconds: z.number().describe('Seconds of training, summed over all attempts of the stage.'),
  precision: z.string().describe('of convolutions and matrix products in training; scores are float32'),
  reused: z.boolean().describe('true when an earlier job had trained the same network'),
  engine: engineInfoSchema,
  peakMemoryBytes: z.number().int().describe("the trainer's largest resident set"),
  datasetBytes: z.number().int().describe('of decoded images that the trainer held'),
});
export type NetworkResult = z.output<typeof networkResultSchema>;

const spreadSchema = z.object({
  mean: z.number(),
  sd: z.number().nullable().describe('sample standard deviation; null for one seed'),
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
    .describe('the first one is that of `teacher`; none where the students are peers'),
  students: z.array(
    z.object({
      name: z.string(),
      teachers: z.array(z.string()).describe('whom it learned from; none for a control and for peers'),
      control: z.string().nullable().describe('the control that it is held against'),
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
          '(student − control) / (teacher − control), seed by seed; null without a control or without a gap',
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
      'the mean of probabilities of the best weights: generations of a student, peers; of teachers that speak as one, their weighted logits',
    ),
  outputs: z
    .array(
      z.object({
        teacher: z.string(),
        augmentation: z.string(),
        views: z.number().int().describe('seeded views of each training image that are cached'),
        taps: z.array(z.string()),
        bytes: z.number(),
        reused: z.boolean(),
      }),
    )
    .describe("the teacher's stored outputs"),
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
