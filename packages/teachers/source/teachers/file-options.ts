import { DistilleryError, type FieldError } from '@distillery/spec';
import { z } from 'zod';

/** The options that name the file of a teacher. */
export function fileOptions(description: string) {
  return {
    path: z
      .string()
      .min(1)
      .max(4096)
      .optional()
      .describe(`${description} In a folder that jobs may read (\`DATA_ROOTS\`).`),
    upload: z
      .string()
      .max(200)
      .optional()
      .describe(
        'The id of an upload of such a file, in place of `path`. The service puts the digest of the file in its place when the job is posted.',
      ),
  };
}

/** The option that names the classes of a teacher, which has so many numbers for each sample. */
export function classesOption(numbers: string) {
  return z
    .array(z.string().min(1).max(255))
    .min(2)
    .max(100_000)
    .optional()
    .describe(`The names of its classes, in the order of the ${numbers}. Default: the classes of the job.`);
}

/**
 * Returns the path of a teacher's file.
 *
 * @throws DistilleryError `invalid_spec` where none is given, or the id of an upload, which only a service resolves
 */
export function pathOf({ path, upload }: { path?: string | undefined; upload?: string | undefined }): string {
  if (path !== undefined && upload === undefined) return path;
  const field: FieldError =
    upload === undefined
      ? { path: '/path', message: 'is required, or the id of an upload as `upload`' }
      : {
          path: '/upload',
          value: upload,
          message:
            path === undefined
              ? 'is the id of an upload of a service, and can be used in its jobs alone: give a `path`'
              : 'cannot be given beside `path`',
        };
  throw new DistilleryError('invalid_spec', 'the teacher cannot be used', { fields: [field] });
}
