import { z } from 'zod';
import type { Kind, Registry } from './kind.ts';
import { checkLineage } from './lineage.ts';
import { trainingOverrideSchema, trainingSchema } from './training.ts';

/** Names that stand in URLs, file names and tables. */
const slug = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,47}$/, 'must be 1-48 of a-z, 0-9, - and _, beginning with a letter or digit')
  .refine((name) => !/^control(-|$)/.test(name), 'is kept for the controls that `baseline` adds');

const seed = z.number().int().min(0).max(4294967295);

const procedures = ['offline', 'born_again', 'mutual'] as const;

export const validationSchema = z.strictObject({
  fraction: z.number().min(0).max(0.5).default(0.1).describe('of the training set, split off by class'),
  seed: seed.default(0),
});

export interface Kinds {
  datasets: Registry<Kind, 'source'>;
  architectures: Registry<Kind>;
  terms: Registry<Kind>;
}

/** The schema of a job spec over the kinds that are installed. */
export function jobSpecSchema({ datasets, architectures, terms }: Kinds) {
  const network = {
    architecture: architectures.schema,
    training: trainingOverrideSchema.default({}),
  };
  const teacher = {
    ...network,
    dataset: datasets.schema.optional().describe("what it is trained on; default: the job's data"),
    classMap: z
      .record(z.string().max(255), z.string().max(255))
      .optional()
      .describe("the job's classes → the teacher's; needed where they, or their order, differ"),
  };
  const fields = z.strictObject({
    name: z.string().min(1).max(120).optional(),
    labels: z
      .record(z.string().regex(/^[A-Za-z0-9._/-]{1,63}$/), z.string().max(255))
      .refine((labels) => Object.keys(labels).length <= 32, 'must have at most 32 labels')
      .default({}),
    dataset: datasets.schema,
    procedure: z
      .enum(procedures)
      .default('offline')
      .describe(
        'offline: students learn from trained teachers; born_again: each student in generations, each taught by the one ' +
          'before; mutual: the students are peers that train together and teach each other, without a teacher',
      ),
    generations: z.int().min(2).max(16).optional().describe('of each student, born_again alone; default: 3'),
    teacher: z.strictObject(teacher).optional().describe('needed unless the procedure is mutual'),
    teachers: z
      .array(
        z.strictObject({
          name: slug.refine((name) => name !== 'teacher', 'is the name of `teacher`'),
          ...teacher,
          weight: z
            .number()
            .positive()
            .max(1e6)
            .default(1)
            .describe('beside that of the others, of which `teacher` has 1'),
        }),
      )
      .max(8)
      .superRefine(differ)
      .default([])
      .describe('teachers beside `teacher`'),
    students: z
      .array(
        z.strictObject({
          name: slug.refine((name) => name !== 'teacher', 'is the name of `teacher`'),
          ...network,
          method: z.array(terms.schema).min(1).max(16).describe('a weighted sum of terms'),
          teacher: z
            .union([slug, z.array(slug).min(1).max(9)])
            .optional()
            .describe(
              'whom it learns from: teachers, or other students (then its assistants), by name; default: every teacher',
            ),
          combine: z
            .enum(['mean', 'best'])
            .default('mean')
            .describe(
              "how several teachers' logits become one: their weighted mean, or for each image those of the teacher that " +
                'gives its label the highest probability',
            ),
        }),
      )
      .min(1)
      .max(64)
      .superRefine(differ),
    baseline: z
      .boolean()
      .default(true)
      .describe(
        'adds the control for each different student: same seed and first weights, cross-entropy alone',
      ),
    seeds: z
      .array(seed)
      .min(1)
      .max(32)
      .refine((seeds) => new Set(seeds).size === seeds.length, 'must differ from each other')
      .default([42]),
    training: trainingSchema.prefault({}),
    validation: z
      .union([z.number().min(0).max(0.5), validationSchema])
      .default(0.1)
      .describe(
        'the fraction of the training set that is kept for choosing the best epoch, or {fraction, seed}',
      ),
    priority: z
      .int()
      .min(-10)
      .max(10)
      .default(0)
      .describe('stages of a job with a higher one are taken up first; what runs is not disturbed'),
    checkpoints: z
      .strictObject({
        everySeconds: z
          .number()
          .min(0)
          .max(86_400)
          .default(60)
          .describe('within an epoch, with the next row of the curve; each epoch ends with one in any case'),
        everySteps: z.int().min(1).optional().describe('the same, so many steps after the last one'),
        keep: z.int().min(1).max(100).default(2).describe('the latest; each holds the best weights too'),
      })
      .prefault({})
      .describe(
        'from which a stage goes on that was interrupted; they are removed when the job has succeeded',
      ),
    limits: z
      .strictObject({
        maxDurationSeconds: z
          .number()
          .int()
          .min(1)
          .max(2_592_000)
          .optional()
          .describe('from the first stage on'),
      })
      .prefault({}),
  });
  return fields.superRefine(checkLineage);
}

function differ(named: readonly { name: string }[], context: z.RefinementCtx): void {
  named.forEach(({ name }, index) => {
    if (named.findIndex((other) => other.name === name) === index) return;
    context.addIssue({ code: 'custom', path: [index, 'name'], message: 'is the name of an earlier one' });
  });
}

export type JobSpec = z.output<ReturnType<typeof jobSpecSchema>>;
export type JobSpecInput = z.input<ReturnType<typeof jobSpecSchema>>;

/** `validation` in its long form. */
export function validationOf(spec: JobSpec): z.output<typeof validationSchema> {
  return typeof spec.validation === 'number' ? { fraction: spec.validation, seed: 0 } : spec.validation;
}
