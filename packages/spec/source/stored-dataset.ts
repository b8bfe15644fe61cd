import { z } from 'zod';

/** Data sets as resources: files that people upload, with what they hold. */

/** A name on one line. */
const name = z
  .string()
  .trim()
  .min(1)
  .max(120)
  // oxlint-disable-next-line no-control-regex
  .regex(/^[^\u0000-\u001f\u007f]*$/, 'must have no control characters');

const options = z
  .record(z.string().max(64), z.unknown())
  .describe('The options of the source, as in a job spec, without `path`, `trainLimit` and `testLimit`.');

/** An address of the schemes `http` and `https`. */
const webAddress = z
  .string()
  .max(4096)
  .refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), {
    error: 'must be an address that begins with https:// or http://',
  });

const givenDatasetSchema = z.strictObject({
  upload: z
    .string()
    .max(200)
    .optional()
    .describe('The id of an upload that is complete; the data set stays when the upload expires.'),
  url: webAddress
    .optional()
    .describe(
      'An `https` or `http` address from which the service fetches the file, in place of `upload`. A user and a password in it are sent as basic authentication to that host alone; they and the query are never shown.',
    ),
  sha256: z
    .string()
    .regex(/^[0-9a-fA-F]{64}$/, 'must be a SHA-256 in 64 hexadecimal digits')
    .transform((digest) => digest.toLowerCase())
    .optional()
    .describe('The SHA-256 that the fetched file must have, in hexadecimal.'),
  name: name.optional().describe('A name for people. Default: the name of the file.'),
  source: z
    .string()
    .max(64)
    .optional()
    .describe(
      'The source that reads the file, such as `image_folder`. Default: what the file looks like, which also decides about options that are not given.',
    ),
  options: options.default({}),
});
export const newDatasetSchema = givenDatasetSchema
  .refine(({ upload, url }) => (upload === undefined) !== (url === undefined), {
    path: ['upload'],
    error: 'give either the id of an upload or a url',
  })
  .refine(({ sha256, url }) => sha256 === undefined || url !== undefined, {
    path: ['sha256'],
    error: 'is for files that are fetched from a url; the digest of an upload is in its view',
  });
export type NewDataset = z.output<typeof newDatasetSchema>;
export type NewDatasetInput = z.input<typeof newDatasetSchema>;

export const datasetProblemSchema = z.object({
  code: z.string(),
  message: z.string().describe('What is wrong, with the file or the line, and what to do.'),
  errors: z
    .array(
      z.object({
        path: z.string(),
        message: z.string(),
        value: z.unknown().optional(),
        allowed: z.unknown().optional(),
      }),
    )
    .describe('An entry for each field at fault.'),
});

const count = z.int().min(0);
const nearSample = z.object({
  split: z.enum(['train', 'test']),
  index: count.describe('The position in the split.'),
  name: z.string().optional().describe('The name of its file, for images in archives.'),
});

export const datasetProfileSchema = z.object({
  inputs: z.enum(['image', 'text', 'table']).describe('What a sample is.'),
  shape: z
    .array(z.int())
    .describe('`[height, width, channels]` of images, `[length]` of texts in tokens, `[columns]` of tables.'),
  classes: z.array(z.string()),
  splits: z
    .object({
      train: z.array(count),
      validation: z.array(count).optional().describe('Absent where the files give no validation split.'),
      test: z.array(count),
    })
    .describe('The number of samples of each class in each split, in the order of `classes`.'),
  bytes: count.describe('The bytes of all decoded samples.'),
  channels: z
    .array(z.object({ name: z.string(), mean: z.number(), std: z.number() }))
    .describe(
      'Mean and standard deviation of the training samples: of each channel of images, in 0 to 1, and of the first columns of tables, as in the file. Empty for texts.',
    ),
  sizes: z
    .object({
      smallest: z.array(z.int()),
      largest: z.array(z.int()),
      most: z.array(z.object({ size: z.array(z.int()), count })),
    })
    .nullable()
    .describe(
      '`[height, width]` of the images in the files, smallest and largest by area, and the most frequent; null for other inputs.',
    ),
  lengths: z
    .object({ mean: z.number(), longest: z.int(), empty: count })
    .nullable()
    .describe('Tokens of the texts, as they are trained on; null for other inputs.'),
  duplicates: z
    .object({
      train: count.describe('Training samples that equal an earlier one.'),
      test: count.describe('Test samples that equal an earlier one.'),
      leaks: count.describe('Test samples that equal a training sample.'),
      conflicts: count.describe('Samples that equal one of another class.'),
      examples: z
        .array(z.object({ first: nearSample, second: nearSample }))
        .describe('The first pairs of equal samples of different splits or classes.'),
    })
    .describe('Samples whose decoded inputs are the same bytes.'),
  skipped: z.object({
    count: count.describe('Files and rows that could not be read.'),
    first: z.array(z.object({ name: z.string(), reason: z.string() })).describe('The first 100 of them.'),
  }),
  notes: z.array(z.string()).describe('What was chosen when the file was read.'),
  warnings: z.array(z.string()).describe('What is likely to harm training or to make a test meaningless.'),
  preview: z
    .array(
      z.object({
        split: z.enum(['train', 'test']),
        label: z.string(),
        image: z.string().optional().describe('A PNG of at most 64×64 pixels, as a data URL.'),
        text: z.string().optional().describe('A text, as far as the tokenizer keeps it.'),
        values: z.record(z.string(), z.number()).optional().describe('A row of a table, as in the file.'),
      }),
    )
    .describe('A few samples of each of the first classes.'),
  seconds: z.number().describe('How long it took to read the file and to count all of this.'),
});
export type DatasetProfile = z.output<typeof datasetProfileSchema>;

/** What reading a file led to: its profile, or why it cannot be used. */
export const profileResultSchema = z.discriminatedUnion('state', [
  z.object({ state: z.literal('ready'), profile: datasetProfileSchema }),
  z.object({ state: z.literal('refused'), error: datasetProblemSchema }),
]);
export type ProfileResult = z.output<typeof profileResultSchema>;

/** What the store keeps of a data set. */
export const keptDatasetSchema = z.object({
  id: z.string().describe('The id of the data set, by which a job names it.'),
  name: z.string(),
  owner: z.string().nullable().describe('The name of the API key that made it; null while keys are off.'),
  createdAt: z.iso.datetime(),
  file: z.object({
    name: z.string(),
    size: z.int().min(0).describe('Its bytes.'),
    digest: z.string().describe('Its SHA-256 in hexadecimal.'),
  }),
  source: z.string().describe('The source that reads the file.'),
  options: options.describe('All options of the source, as they are used.'),
  url: z
    .string()
    .optional()
    .describe('Where the file was fetched from, without user, password and query. Absent for uploads.'),
});
export type KeptDataset = z.output<typeof keptDatasetSchema>;

export const storedDatasetSchema = keptDatasetSchema.extend({
  file: z.object({
    name: z.string(),
    size: z.int().min(0).nullable().describe('Its bytes; null until they are known.'),
    digest: z.string().nullable().describe('Its SHA-256 in hexadecimal; null until it is fetched.'),
  }),
  source: z
    .string()
    .nullable()
    .describe('The source that reads the file; null until a file that is fetched is recognised.'),
  received: count.optional().describe('The bytes that are stored of a file that is being fetched.'),
  state: z
    .enum(['fetching', 'failed', 'profiling', 'ready', 'refused'])
    .describe(
      '`fetching` while the file comes from its `url`, or `failed`: posting the same again goes on. Then `profiling` while the file is read for the first time; jobs can name the data set once it is `ready`. A file that is `refused` cannot be used.',
    ),
  error: datasetProblemSchema
    .nullable()
    .describe('Why the file was not fetched or is refused; null otherwise.'),
  summary: z
    .object({
      inputs: datasetProfileSchema.shape.inputs,
      shape: datasetProfileSchema.shape.shape,
      classes: count,
      train: count,
      validation: count.optional().describe('Absent where the files give no validation split.'),
      test: count,
      skipped: count,
      warnings: z.array(z.string()),
    })
    .nullable()
    .describe('The profile in short; null until it is ready.'),
});
/** A data set that people have uploaded. */
export type StoredDataset = z.output<typeof storedDatasetSchema>;
