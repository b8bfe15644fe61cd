import { type DatasetContext, datasets, profileDataset, storedFile } from '@distillery/datasets';
import {
  asDistilleryError,
  type Choice,
  digestOf,
  DistilleryError,
  type KeptDataset,
  presentable,
  type ProfileResult,
  profileResultSchema,
} from '@distillery/spec';
import type { Store } from '@distillery/store';
import { profilesFolder } from './folders.ts';
import { sourceOf } from './kept-datasets.ts';

/** Raise it when a profile has more in it, or reading the same file gives other samples. */
const revision = 1;

/** The name of the profile of a stored file under some options; undefined for files outside the store. */
function nameOf(choice: Choice<'source'>): string | undefined {
  const { path, trainLimit: _train, testLimit: _test, ...rest } = choice;
  const file = typeof path === 'string' ? storedFile(path) : undefined;
  if (file === undefined) return undefined;
  return `${profilesFolder}/${digestOf({ revision, file: file.digest, ...rest })}`;
}

/** The name of the profile of a data set. */
export function profileName(dataset: KeptDataset): string {
  return nameOf(sourceOf(dataset)) as string;
}

/** What reading a data set has led to; undefined until it is known. */
export async function profileOf(store: Store, dataset: KeptDataset): Promise<ProfileResult | undefined> {
  return await store.manifest(profileName(dataset), profileResultSchema);
}

/** What people should know about the data of a job, from its profile; nothing for data that have none. */
export async function warningsOfProfile(store: Store, choice: Choice<'source'>): Promise<string[]> {
  const name = nameOf(choice);
  const found = name === undefined ? undefined : await store.manifest(name, profileResultSchema);
  return found?.state === 'ready' ? found.profile.warnings : [];
}

/**
 * Reads a data set for the first time, and keeps its profile or the reason why it is refused.
 *
 * @throws DistilleryError with a code that is retryable, in which case nothing is kept
 */
export async function makeProfile(
  store: Store,
  dataset: KeptDataset,
  context: DatasetContext,
): Promise<ProfileResult> {
  const choice = sourceOf(dataset);
  try {
    const profile = await profileDataset(datasets.get(choice.source), choice, context);
    return await keepProfile(store, dataset, { state: 'ready', profile });
  } catch (error) {
    const known = asDistilleryError(error);
    if (known.retryable && known.code !== 'internal') throw known;
    return await refuseDataset(store, dataset, known);
  }
}

/** Keeps the reason why a data set cannot be used. */
export async function refuseDataset(
  store: Store,
  dataset: KeptDataset,
  { code, message, fields = [] }: DistilleryError,
): Promise<ProfileResult> {
  const errors = presentable(fields).map(({ path, ...field }) => ({
    ...field,
    path: path.replace(/^\/dataset\/path$/, '/upload').replace(/^\/dataset\//, '/options/'),
  }));
  return await keepProfile(store, dataset, { state: 'refused', error: { code, message, errors } });
}

async function keepProfile(
  store: Store,
  dataset: KeptDataset,
  result: ProfileResult,
): Promise<ProfileResult> {
  return (await store.commit(profileName(dataset), result, profileResultSchema)).manifest;
}

/** Removes the profile of a data set, unless another one has the same file and options. */
export async function dropProfile(
  store: Store,
  dataset: KeptDataset,
  others: readonly KeptDataset[],
): Promise<void> {
  const name = profileName(dataset);
  if (others.some((other) => other.id !== dataset.id && profileName(other) === name)) return;
  await store.removeManifest(name);
}
