import { storedFile } from '@distillery/datasets';
import { type Choice, DistilleryError, type JobSpec } from '@distillery/spec';
import type { Store } from '@distillery/store';
import { failureOf, fetchOf } from './fetches.ts';
import { keptDataset, keptDatasets, sourceOf } from './kept-datasets.ts';
import { profileOf } from './profiles.ts';

/**
 * Puts the source, the options and the file's digest in place of the id of each data set that a spec names, so that what a job
 * computes depends on content alone, and deleting the data set takes nothing from it.
 *
 * @param owner whose data sets it may name; undefined: all
 * @throws DistilleryError `invalid_spec` for an unknown id, `not_ready` for a data set that is still being read, `data_error` for one
 *   that cannot be used; each names the field
 */
export async function resolveDatasets(
  spec: JobSpec,
  store: Store,
  owner: string | null | undefined,
): Promise<JobSpec> {
  const resolve = async (choice: Choice<'source'>, path: string) => {
    if (choice.source === 'uploaded') return await resolved(choice, path, store, owner);
    await refuseForeign(choice, path, store, owner);
    return choice;
  };
  const ofTeacher = async <Teacher extends object>(teacher: Teacher, path: string): Promise<Teacher> => {
    const { dataset } = teacher as { dataset?: Choice<'source'> };
    return dataset === undefined
      ? teacher
      : { ...teacher, dataset: await resolve(dataset, `${path}/dataset`) };
  };
  return {
    ...spec,
    dataset: await resolve(spec.dataset, '/dataset'),
    ...(spec.teacher && { teacher: await ofTeacher(spec.teacher, '/teacher') }),
    teachers: await Promise.all(
      spec.teachers.map((teacher, index) => ofTeacher(teacher, `/teachers/${index}`)),
    ),
  };
}

async function resolved(
  { id, trainLimit, testLimit, classes }: Choice<'source'>,
  path: string,
  store: Store,
  owner: string | null | undefined,
): Promise<Choice<'source'>> {
  const refuse = (code: 'invalid_spec' | 'not_ready' | 'data_error', message: string) =>
    new DistilleryError(code, `${path}/id: ${message}`, {
      fields: [{ path: `${path}/id`, message, value: id }],
    });
  const dataset = await keptDataset(store, String(id), owner).catch(async (error: unknown) => {
    if (!(error instanceof DistilleryError) || error.code !== 'dataset_not_found') throw error;
    const fetch = await fetchOf(store, String(id), owner);
    const failure = fetch && (await failureOf(store, fetch.id));
    if (failure !== undefined) throw refuse('data_error', `was not fetched: ${failure.message}`);
    if (fetch !== undefined) throw refuse('not_ready', 'is still being fetched; wait until it is ready');
    throw refuse('invalid_spec', `${error.message}: GET /v1/datasets lists yours`);
  });
  const profile = await profileOf(store, dataset);
  if (profile === undefined) throw refuse('not_ready', 'is still being read; wait until it is ready');
  if (profile.state === 'refused') throw refuse('data_error', `cannot be used: ${profile.error.message}`);
  // From now on the job uses it, though no record names it yet.
  if (!(await store.renew(dataset.file.digest)))
    throw refuse('data_error', 'has lost its file: delete it and upload the file again');
  const limits = {
    ...(trainLimit !== undefined && { trainLimit }),
    ...(testLimit !== undefined && { testLimit }),
    ...(classes !== undefined && { classes }),
  };
  return { ...sourceOf(dataset), ...limits };
}

/** A digest is no permission: the file of a `stored:` path must be one of the owner's own data sets. */
async function refuseForeign(
  choice: object,
  path: string,
  store: Store,
  owner: string | null | undefined,
): Promise<void> {
  for (const [option, value] of Object.entries(choice)) {
    const place = `${path}/${option}`;
    if (typeof value === 'object' && value !== null) {
      await refuseForeign(value, place, store, owner);
      continue;
    }
    const file = typeof value === 'string' ? storedFile(value) : undefined;
    if (file === undefined) continue;
    const own = await keptDatasets(store, owner);
    if (own.some((dataset) => dataset.file.digest === file.digest)) continue;
    const message = 'is no file of a data set of yours: name an uploaded data set by its id';
    throw new DistilleryError('invalid_spec', `${place}: ${message}`, {
      fields: [{ path: place, message, value }],
    });
  }
}
