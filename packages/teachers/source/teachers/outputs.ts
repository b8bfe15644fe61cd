import { DistilleryError, type FieldError } from '@distillery/spec';
import { z } from 'zod';
import { splitOf, type Wanted } from '../outputs/arrays.ts';
import { logitsOf } from '../outputs/logits.ts';
import type { GivenOutputs, TeacherFiles, TeacherKind } from '../provider.ts';
import { classesOption, fileOptions, pathOf } from './file-options.ts';

const options = z.strictObject({
  ...fileOptions('The file with the outputs: NPZ, safetensors or Parquet.'),
  values: z
    .enum(['logits', 'probabilities', 'log_probabilities'])
    .default('logits')
    .describe('What the numbers are. The largest few of each sample must be probabilities.'),
  classes: classesOption('numbers'),
});
type Options = z.output<typeof options>;

/**
 * A teacher that is known by its outputs alone, such as the answers of a service: one row of logits or probabilities for each sample.
 * Students learn from it by terms that need nothing but logits. Every view of a sample has the outputs of the sample.
 */
export const outputs: TeacherKind<typeof options> = {
  type: 'outputs',
  summary: 'A file with the logits or probabilities of a teacher that cannot be run here.',
  options,
  trains: false,
  given: true,
  async outline(chosen, context) {
    const path = pathOf(chosen);
    const { files, job } = context ?? {};
    // Files are read when the job is planned, and again by the stage that uses them.
    if (files !== undefined && job?.trainCount !== undefined) await refuseMisfits(chosen, path, files, job);
    return { ...(chosen.classes && { classes: chosen.classes }) };
  },
  async read(chosen, files) {
    const given = await opened(chosen, files).catch(refuseFile);
    return {
      ...given,
      logits(split, wanted) {
        try {
          return given.logits(split, wanted);
        } catch (error) {
          return refuseFile(error);
        }
      },
    };
  },
};

function refuseFile(error: unknown): never {
  if (!(error instanceof RangeError)) throw error;
  throw new DistilleryError('data_error', `the outputs of the teacher: the file ${error.message}`, {
    cause: error,
  });
}

async function opened(chosen: Options, files: TeacherFiles): Promise<GivenOutputs> {
  const path = pathOf(chosen);
  const given = await files.arrays(path);
  const { digest, size } = given;
  return {
    digest,
    size,
    logits(name, wanted) {
      const split = splitOf(given, name);
      if (split === undefined && name === 'train') {
        const names = [...given.arrays.keys()].slice(0, 8).join(', ') || 'none';
        throw new RangeError(`has no array train, nor train_values with train_indices; its arrays: ${names}`);
      }
      return split && logitsOf(split, chosen.values, wanted);
    },
  };
}

async function refuseMisfits(
  chosen: Options,
  path: string,
  files: TeacherFiles,
  {
    trainCount = 0,
    testCount = 0,
    classes,
  }: { trainCount?: number; testCount?: number; classes: readonly string[] },
): Promise<void> {
  try {
    const { logits } = await opened(chosen, files);
    const width = chosen.classes?.length ?? classes.length;
    const wanted = (count: number): Wanted => ({ count, classes: width });
    logits('train', wanted(trainCount));
    logits('test', wanted(testCount));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const fields: FieldError[] = [{ path: '/path', message: error.message, value: path }];
    throw new DistilleryError('invalid_spec', 'the outputs of the teacher cannot be used', { fields });
  }
}
