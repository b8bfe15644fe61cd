import { z } from 'zod';
import { weightSchema } from './scheduled.ts';

const networkSchema = z.object({
  architecture: z.string().describe('The type of the architecture.'),
  parameters: z.number().int().describe('The number of parameters.'),
  bytes: z.number().int().describe('The bytes of the weights as float32.'),
  flops: z
    .number()
    .describe('The floating-point operations of a forward pass of one sample; a multiply-add counts as two.'),
  taps: z.record(z.string(), z.array(z.number().int())).describe('The shape of each tap, without the batch.'),
});

const initialSchema = z
  .object({
    source: z.string().describe('The name of the teacher, or the digest of the stored weights.'),
    copied: z.number().int().describe('How many of its parameters, and running statistics, are copied.'),
    fresh: z.array(z.string()).describe('The parameters that start from random weights.'),
  })
  .optional()
  .describe('Where the first weights come from; absent for random ones. A control has those of its student.');

const projectorSchema = z.object({
  name: z.string().describe('The name of the projector within its term.'),
  from: z.array(z.number()).describe('The shape of its input, without the batch.'),
  to: z.array(z.number()).describe('The shape of its output, without the batch.'),
  parameters: z.number().describe('The number of parameters.'),
});

const termSchema = z.object({
  name: z.string().describe('The type of the term, with a number where a method has several of one type.'),
  weight: weightSchema.describe('The weight as given in the spec.'),
  student: z.array(z.string()).describe("The student's taps that the term reads."),
  teacher: z.array(z.string()).describe("The teacher's taps that the term reads."),
  projectors: z
    .array(projectorSchema)
    .describe('The networks that are trained with the student and are not part of its weights.'),
});

/** The plan of a job as `POST /v1/jobs/validate` returns it. */
export const planSchema = z.object({
  dataset: z.object({
    source: z.string().describe('The source of the data set.'),
    classes: z.array(z.string()).describe('The class names, in the order of the labels.'),
    shape: z
      .array(z.number().int())
      .describe('The shape of one sample: `[height, width, channels]` of an image, `[length]` of a text.'),
    train: z.number().int().describe('The number of training samples.'),
    validation: z.number().int().describe('The number of validation samples.'),
    test: z.number().int().describe('The number of test samples.'),
    unlabeled: z
      .number()
      .int()
      .optional()
      .describe(
        'The number of samples without a class, which students learn from, too; absent where there are none.',
      ),
  }),
  teachers: z
    .array(
      networkSchema.extend({
        name: z.string().describe('The name of the teacher.'),
        initial: initialSchema,
        weight: z.number().describe('Its relative weight where several teachers are combined.'),
      }),
    )
    .describe('The teachers; empty for `mutual`.'),
  students: z
    .array(
      networkSchema.extend({
        name: z.string().describe('The name of the student.'),
        initial: initialSchema,
        teachers: z.array(z.string()).describe('The names of its teachers; empty for controls and peers.'),
        control: z
          .string()
          .nullable()
          .describe('The control it is compared with; null for a control, and without a baseline.'),
        terms: z.array(termSchema).describe('The terms of its method.'),
      }),
    )
    .describe('The controls, and then the students.'),
  augmentations: z
    .array(
      z.object({
        augmentation: z.string().describe('The transforms, joined by +, or `none`.'),
        students: z.array(z.string()).describe('The students, and controls, that are trained with it.'),
        views: z
          .union([z.number().int(), z.literal('fresh')])
          .describe('The number of different views of each sample, or `fresh`: every epoch has a new one.'),
        inputs: z
          .number()
          .int()
          .describe('How many samples are read and changed for each one: 2 where samples are mixed.'),
        outputsBytes: z
          .number()
          .describe("The bytes of the teachers' outputs that these students read, over all views."),
        outputsWork: z
          .number()
          .describe(
            'The floating-point operations of computing them: one pass of each teacher for every view.',
          ),
        teachingWork: z
          .number()
          .describe(
            'The floating-point operations of the teachers in the training loops of these students, over all epochs and ' +
              'seeds; 0 where outputs are stored.',
          ),
      }),
    )
    .describe(
      'What each augmentation costs, one entry for every different one and number of views. Entries that share outputs count ' +
        'them in each.',
    ),
  stages: z
    .array(
      z.object({
        id: z.string().describe('The id of the stage, for example `student.small.42`.'),
        kind: z.string().describe('The kind of the stage.'),
        needs: z.array(z.string()).describe('The ids of the stages that must succeed before.'),
        work: z
          .number()
          .describe('The estimated work in floating-point operations, memory traffic included.'),
        seconds: z
          .number()
          .nullable()
          .describe(
            'The estimated duration in seconds, with the start of the stage and its end; null until a worker has measured its speed.',
          ),
      }),
    )
    .describe('The stages in an order in which they can run.'),
  estimate: z.object({
    memoryBytes: z
      .number()
      .describe('The memory of the largest trainer in bytes, without that of the data set.'),
    datasetBytes: z.number().describe('The bytes of the decoded data set.'),
    outputsBytes: z.number().describe("The bytes of the teachers' stored outputs."),
    seconds: z
      .number()
      .nullable()
      .describe(
        'The duration of all stages on one worker in seconds; null until a worker has measured its speed.',
      ),
    gigaflops: z
      .number()
      .nullable()
      .describe(
        'The speed in GFLOPS that the durations are computed with; null until a worker has measured it.',
      ),
  }),
  warnings: z
    .array(z.string())
    .describe('What people should know before they submit the job, and what does not stop it.'),
});
export type Plan = z.output<typeof planSchema>;
