import { z } from 'zod';
import type { Kind, Registry } from './kind.ts';
import { checkLineage } from './lineage.ts';
import { resourcesSchema } from './resources.ts';
import { studentInitialSchema } from './initial.ts';
import { trainingSchemas } from './training.ts';
import { webhookIdSchema } from './webhooks.ts';

/** A name that is safe in URLs, file names and tables. */
const slug = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,47}$/, 'must be 1-48 of a-z, 0-9, - and _, and begin with a letter or digit')
  .refine((name) => !/^control(-|$)/.test(name), 'is reserved for the controls that `baseline` adds');

/** Text on one line, which shows every character that it has: without control characters and reversals of direction. */
const line = z
  .string()
  .regex(/^[^\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]*$/u, 'must not contain control characters');

const seed = z.number().int().min(0).max(4294967295);

const procedures = ['offline', 'born_again', 'mutual'] as const;

export const validationSchema = z.strictObject({
  fraction: z
    .number()
    .min(0)
    .max(0.5)
    .default(0.1)
    .describe('The share of the training set, taken from every class alike.'),
  seed: seed.default(0).describe('Another seed takes other samples.'),
});

export interface Kinds {
  datasets: Registry<Kind, 'source'>;
  architectures: Registry<Kind>;
  terms: Registry<Kind>;
  /** A choice without `type` is of the kind `trained`. */
  teachers: Registry<Kind>;
  transforms: Registry<Kind>;
}

/** Builds the schema of a job spec over the installed kinds. */
export function jobSpecSchema({ datasets, architectures, terms, teachers, transforms }: Kinds) {
  const { training, override } = trainingSchemas(transforms);
  const network = {
    architecture: architectures.schema.describe('The network; see the catalogue of architectures.'),
    training: override.default({}).describe("Settings that differ from the job's `training`."),
  };
  const classMap = z
    .record(z.string().max(255), z.string().max(255))
    .optional()
    .describe(
      "Maps each class of the job to one of the teacher's. Needed where the classes, or their order, differ.",
    );
  const fields = z.strictObject({
    name: line.min(1).max(120).optional().describe('A name for people, for example "first steps".'),
    labels: z
      .record(z.string().regex(/^[A-Za-z0-9._/-]{1,63}$/), line.max(255))
      .refine((labels) => Object.keys(labels).length <= 32, 'must have at most 32 labels')
      .default({})
      .describe('Key-value pairs that lists can be filtered by.'),
    dataset: datasets.schema.describe('The images or texts that students are trained and tested on.'),
    procedure: z
      .enum(procedures)
      .default('offline')
      .describe(
        'Who learns from whom. `offline`: students learn from trained teachers. `born_again`: each student is trained in ' +
          'generations, each taught by the one before it. `mutual`: students train together and teach each other, without a teacher.',
      ),
    generations: z
      .int()
      .min(2)
      .max(16)
      .optional()
      .describe('Generations of each student, for `born_again` only. Default: 3.'),
    teacher: teachers
      .extended({ classMap })
      .optional()
      .describe('The teacher. Required unless the procedure is `mutual`.'),
    teachers: z
      .array(
        teachers.extended({
          name: slug
            .refine((name) => name !== 'teacher', 'is the name of `teacher`')
            .describe('The name that students and results refer to.'),
          classMap,
          weight: z
            .number()
            .positive()
            .max(1e6)
            .default(1)
            .describe('Its weight beside the other teachers; `teacher` has 1.'),
        }),
      )
      .max(8)
      .superRefine(differ)
      .default([])
      .describe('More teachers beside `teacher`.'),
    students: z
      .array(
        z.strictObject({
          name: slug
            .refine((name) => name !== 'teacher', 'is the name of `teacher`')
            .describe('The name that results refer to. It is part of URLs and file names.'),
          ...network,
          // Without a default: a worker of an earlier version, which does not know it, still takes jobs without it.
          initial: studentInitialSchema
            .optional()
            .describe(
              'The first weights: those of another network, or of a teacher, instead of random ones. The control starts from the same weights.',
            ),
          // Without a default, for the same reason.
          resources: resourcesSchema
            .optional()
            .describe(
              "What its stages ask of a worker, in place of the job's `resources`; its control asks for the same.",
            ),
          method: z
            .array(terms.schema)
            .min(1)
            .max(16)
            .describe('How the student learns: a weighted sum of terms.'),
          teacher: z
            .union([slug, z.array(slug).min(1).max(9)])
            .optional()
            .describe(
              'The teachers, or other students (assistants), that it learns from, by name. Default: every teacher.',
            ),
          combine: z
            .enum(['mean', 'best'])
            .default('mean')
            .describe(
              'How the logits of several teachers become one: `mean` is their weighted mean; `best` takes, for each sample, the ' +
                'teacher that gives its label the highest probability.',
            ),
        }),
      )
      .min(1)
      .max(64)
      .superRefine(differ)
      .describe('The students. Each is trained once for every seed.'),
    baseline: z
      .literal([true, false, 'shared'])
      .default(true)
      .describe(
        'Whether to train a control for every different student: the same network, seed and first weights, trained on the ' +
          'labels alone. `"shared"` reuses the same control of another job that shares it; its curves stay with that job.',
      ),
    seeds: z
      .array(seed)
      .min(1)
      .max(32)
      .refine((seeds) => new Set(seeds).size === seeds.length, 'must differ from each other')
      .default([42])
      .describe('The seeds of the students. Several seeds show how much of a difference is chance.'),
    training: training
      .prefault({})
      .describe('How networks are trained; teachers and students may override single settings.'),
    validation: z
      .union([z.number().min(0).max(0.5), validationSchema])
      .default(0.1)
      .describe(
        'The share of the training set that is held out to choose the best epoch, or `{fraction, seed}`. With 0, best is last. Validation samples that the data set itself gives are used instead.',
      ),
    // Without a default: a worker of an earlier version, which does not know it, still takes jobs without it.
    until: z
      .int()
      .min(1)
      .max(10_000)
      .optional()
      .describe(
        'The epoch after which students and controls stop. Schedules span `training.epochs` all the same, and a later job with the same settings and a higher `until` goes on from there. Only with the procedure `offline`, where no student teaches another. Default: all epochs.',
      ),
    priority: z
      .int()
      .min(-10)
      .max(10)
      .default(0)
      .describe(
        'Stages of jobs with a higher priority are taken first; owners of jobs of equal priority take turns. Running stages are not interrupted. A key of scope `submit` may ask for at most `API_PRIORITY`.',
      ),
    // Without a default: a worker of an earlier version, which does not know it, still takes jobs without it.
    webhooks: z
      .array(webhookIdSchema)
      .max(8)
      .refine((ids) => new Set(ids).size === ids.length, 'must differ from each other')
      .optional()
      .describe(
        'The ids of webhooks of the owner that are told of this job, beside those that are told of all jobs. `POST /v1/webhooks` creates one.',
      ),
    // Without a default: a worker of an earlier version, which does not know it, still takes jobs without it.
    resources: resourcesSchema
      .optional()
      .describe(
        'What the stages of the job ask of a worker: an engine, memory of a GPU, labels. The report runs anywhere.',
      ),
    checkpoints: z
      .strictObject({
        everySeconds: z
          .number()
          .min(0)
          .max(86_400)
          .default(60)
          .describe('Seconds between checkpoints within an epoch. Every epoch ends with one in any case.'),
        everySteps: z
          .int()
          .min(1)
          .optional()
          .describe('Steps after which a checkpoint is due, whatever the time.'),
        keep: z.int().min(1).max(100).default(2).describe('How many of the newest checkpoints are kept.'),
      })
      .prefault({})
      .describe(
        'When interrupted stages save the state that they resume from. Checkpoints are removed when the job has succeeded.',
      ),
    limits: z
      .strictObject({
        maxDurationSeconds: z
          .number()
          .int()
          .min(1)
          .max(2_592_000)
          .optional()
          .describe('Seconds after the first stage starts, after which the job fails with `timeout`.'),
      })
      .prefault({})
      .describe('Limits of the whole job.'),
  });
  return fields.superRefine(checkLineage);
}

function differ(named: readonly { name: string }[], context: z.RefinementCtx): void {
  named.forEach(({ name }, index) => {
    if (named.findIndex((other) => other.name === name) === index) return;
    context.addIssue({
      code: 'custom',
      path: [index, 'name'],
      message: 'is the name of an earlier entry; names must differ',
    });
  });
}

export type JobSpec = z.output<ReturnType<typeof jobSpecSchema>>;
export type JobSpecInput = z.input<ReturnType<typeof jobSpecSchema>>;

/** Returns `validation` in its long form. */
export function validationOf(spec: JobSpec): z.output<typeof validationSchema> {
  return typeof spec.validation === 'number' ? { fraction: spec.validation, seed: 0 } : spec.validation;
}
