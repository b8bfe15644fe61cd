import { z } from 'zod';

/** What `POST /v1/sweeps` takes: a job, the paths of its spec that vary, and the search over them. */

/** The most trials of a sweep. */
export const maxTrials = 256;

const number = z.number();

/** The bounds of a range, lower before upper. */
function range(bound: z.ZodNumber, more = '') {
  return z
    .tuple([bound, bound])
    .refine(([low, high]) => low < high, `must be two numbers, the smaller one first${more}`);
}

export const domainSchema = z
  .union([
    z.strictObject({
      values: z.array(z.unknown()).min(1).max(maxTrials).describe('These values, each equally likely.'),
    }),
    z.strictObject({ uniform: range(number).describe('Numbers between two bounds.') }),
    z.strictObject({
      logUniform: range(number.positive(), ', both above 0').describe(
        'Numbers between two bounds above 0, whose logarithms are uniform.',
      ),
    }),
    z.strictObject({
      integer: range(number.int()).describe('Whole numbers between two bounds, both included.'),
    }),
  ])
  .describe('What a path of the spec may be: a list of values, or a range.');
export type Domain = z.output<typeof domainSchema>;

const trials = z.int().min(1).max(maxTrials);

export const searchSchema = z.discriminatedUnion(
  'type',
  [
    z.strictObject({
      type: z
        .literal('grid')
        .describe('Every combination of the values. Ranges of whole numbers count as lists.'),
    }),
    z.strictObject({
      type: z
        .literal('random')
        .describe('Combinations that are drawn at random (Bergstra and Bengio, 2012).'),
      trials: trials.describe('How many combinations.'),
    }),
    z.strictObject({
      type: z
        .literal('halving')
        .describe(
          'Asynchronous successive halving, ASHA (Li et al., 2020, arXiv:1810.05934): all trials begin, the better ones go on.',
        ),
      trials: trials
        .optional()
        .describe('How many combinations are drawn at random. Default: every combination, as in a grid.'),
      minimumEpochs: z
        .int()
        .min(1)
        .max(10_000)
        .default(1)
        .describe('The epochs after which trials are compared first.'),
      factor: z
        .int()
        .min(2)
        .max(16)
        .default(3)
        .describe(
          'One of so many trials goes on, to so many times the epochs, until those of `training.epochs` are reached.',
        ),
    }),
  ],
  {
    error: (issue) => (issue.code === 'invalid_union' ? 'must be one of: grid, random, halving' : undefined),
  },
);
export type Search = z.output<typeof searchSchema>;

/** A JSON pointer (RFC 6901) to a value below the top. */
const pointerSchema = z
  .string()
  .max(400)
  .regex(
    /^(\/([^/~]|~[01])+)+$/,
    'must be a JSON pointer into the spec of the job, such as /students/0/method/0/temperature',
  );

export const newSweepSchema = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(100)
    .regex(/^[^\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]*$/u, 'must not contain control characters')
    .optional()
    .describe('A name for people. Those of its jobs begin with it.'),
  job: z
    .record(z.string(), z.unknown())
    .describe(
      'The spec of a job, as in `POST /v1/jobs`. Each trial is such a job. Its `seeds` give each trial a deviation, and its validation split chooses.',
    ),
  over: z
    .record(pointerSchema, domainSchema)
    .refine((over) => Object.keys(over).length >= 1, 'must name at least one path')
    .refine((over) => Object.keys(over).length <= 16, 'must name at most 16 paths')
    .describe(
      'What varies: JSON pointers into the spec of the job, as errors have them, such as `/students/0/method/0/temperature`, each with its values.',
    ),
  search: searchSchema.default({ type: 'grid' }).describe('Which combinations are tried, and for how long.'),
  objective: z
    .strictObject({
      student: z
        .string()
        .max(60)
        .optional()
        .describe(
          'The student whose validation accuracy counts. Default: the first, with the last generation of it.',
        ),
    })
    .default({})
    .describe(
      'What trials are compared by: the mean over the seeds of the best validation accuracy of a student. The test set never chooses.',
    ),
  seed: z.int().min(0).max(4294967295).default(0).describe('Another seed draws other combinations.'),
  parallel: z
    .int()
    .min(1)
    .max(64)
    .optional()
    .describe('The most trials whose jobs are unfinished at once. Default: one more than there are workers.'),
});
export type NewSweep = z.output<typeof newSweepSchema>;
export type NewSweepInput = z.input<typeof newSweepSchema>;
