import { type Checkpoint, DistilleryError, isTerminal } from '@distillery/spec';
import { z } from 'zod';
import { checkpointNames, checkpointsOf, isBlackBox, type JobNetwork } from '../../../../networks.ts';
import type { Services } from '../../../../services.ts';

/** The parameters of requests that choose one file of a network, and what they find. */

export const checkpointParameter = z
  .enum(checkpointNames)
  .default('best')
  .describe('`best` is chosen on the validation split; without one it is the last epoch.');
export const seedParameter = z.coerce
  .number()
  .int()
  .min(0)
  .max(4294967295)
  .optional()
  .describe('The seed of the run. Default: the first of the job.');
export const fileHeaders = z.looseObject({
  range: z.string().optional().describe('One range of bytes, such as `bytes=0-1023`.'),
  'if-range': z.string().optional().describe('An entity tag: the range is sent only of the same file.'),
  'if-match': z
    .string()
    .optional()
    .describe('Entity tags: `precondition_failed` when the file has none of them.'),
  'if-none-match': z.string().optional().describe('Entity tags of files that the client has.'),
});

/**
 * Returns the run of a student.
 *
 * @param seed default: the first of the job
 * @throws DistilleryError `student_not_found`, `checkpoint_not_found`
 */
export async function studentRun(
  { records }: Pick<Services, 'records'>,
  id: string,
  name: string,
  seed?: number,
): Promise<JobNetwork> {
  const runs = await records.ask('networks', id, { role: 'student', name });
  if (runs.length === 0) {
    throw new DistilleryError('student_not_found', `the job has no student ${name}`);
  }
  const run = seed === undefined ? runs[0] : runs.find((one) => one.seed === seed);
  if (run !== undefined) return run;
  const seeds = runs.map((one) => one.seed).join(', ');
  throw new DistilleryError('checkpoint_not_found', `${name} has no seed ${seed}; its seeds are: ${seeds}`);
}

/**
 * Returns the stored weights of a network.
 *
 * @param which `best` or `last`
 * @throws DistilleryError `checkpoint_not_found`; `not_ready` before it is trained
 */
export async function storedWeights(
  { queue }: Pick<Services, 'queue'>,
  id: string,
  network: JobNetwork,
  which: string,
): Promise<Checkpoint> {
  const found = checkpointsOf(network).find(({ checkpoint }) => checkpoint === which);
  if (found !== undefined) return found;
  if (isBlackBox(network)) {
    const message = `the teacher ${network.name} is known by its outputs alone: there are no weights to download`;
    throw new DistilleryError('checkpoint_not_found', message);
  }
  const { state } = await queue.jobs.header(id);
  if (isTerminal(state)) {
    throw new DistilleryError(
      'checkpoint_not_found',
      `the job has ${state} before ${network.stage} was trained`,
    );
  }
  throw new DistilleryError('not_ready', `${network.stage} has not been trained yet`);
}

/** Returns a name for a file of a network, from the job's name in characters that every file system accepts, or else its id. */
export async function fileName(
  { queue }: Pick<Services, 'queue'>,
  id: string,
  network: JobNetwork,
  checkpoint: string,
): Promise<string> {
  const header = await queue.jobs.header(id);
  const job = (header.name ?? '').replaceAll(/[^\p{L}\p{M}\p{N}._-]+/gu, '-').replaceAll(/^[-.]+|-+$/g, '');
  const seed = network.role === 'student' ? [`seed${network.seed}`] : [];
  return [job || id, network.name, ...seed, checkpoint].join('-');
}
