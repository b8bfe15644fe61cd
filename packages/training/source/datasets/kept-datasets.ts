import { datasets, recognise, storedPath } from '@distillery/datasets';
import {
  type Choice,
  digestOf,
  DistilleryError,
  fieldErrors,
  type KeptDataset,
  keptDatasetSchema,
  type NewDataset,
} from '@distillery/spec';
import type { Store } from '@distillery/store';
import { datasetsFolder } from './folders.ts';

/** Whose data sets are asked for: those of a name, of requests without keys (null), or all (undefined). */
type Owner = string | null | undefined;

const nameOf = (id: string) => `${datasetsFolder}/${id}`;
/** Options that a job chooses, not the data set. */
const ofJobs = ['trainLimit', 'testLimit'];

/** The id of a data set, which follows from what it is made of. */
export const datasetId = (described: object): string => `data_${digestOf(described).slice(0, 26)}`;

/**
 * Keeps a data set of an uploaded file. The same file, options, owner and name again return the one that is kept.
 *
 * @param file the file, and the path of a local copy of it
 * @param fetched the id that it has already, and the URL that people may see, of a file that was fetched
 * @throws DistilleryError `invalid_body` for a source or an option that does not fit, `data_error` where the source cannot be told
 */
export async function keepDataset(
  store: Store,
  given: Pick<NewDataset, 'name' | 'source' | 'options'>,
  { path, owner, ...file }: KeptDataset['file'] & { path: string; owner: string | null },
  fetched?: Pick<KeptDataset, 'id' | 'url'>,
): Promise<KeptDataset> {
  const choice = await choiceOf(given, file, path);
  const { source, path: _path, ...options } = choice;
  const described = { name: given.name ?? file.name, owner, file, source, options };
  const id = datasetId(described);
  const kept: KeptDataset = { ...described, id, createdAt: new Date().toISOString(), ...fetched };
  const { manifest } = await store.commit(nameOf(kept.id), kept, keptDatasetSchema);
  return manifest;
}

/** The choice of a source that reads a data set, as in a job spec. */
export function sourceOf({ source, options, file }: KeptDataset): Choice<'source'> {
  return { ...options, source, path: storedPath(file) };
}

/** Lists data sets, the newest first. */
export async function keptDatasets(store: Store, owner?: Owner): Promise<KeptDataset[]> {
  const names = await store.list(datasetsFolder);
  const found = await Promise.all(names.map((name) => store.manifest(name, keptDatasetSchema)));
  return found
    .filter((one) => one !== undefined)
    .filter((one) => owner === undefined || one.owner === owner)
    .sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
}

/** The data set with an id, of any owner; undefined where there is none. */
export async function datasetIfKept(store: Store, id: string): Promise<KeptDataset | undefined> {
  return isDatasetId(id) ? await store.manifest(nameOf(id), keptDatasetSchema) : undefined;
}

export const isDatasetId = (id: string): boolean => /^data_[0-9a-f]{26}$/.test(id);

/** @throws DistilleryError `dataset_not_found` for a data set that is not there, or belongs to another owner */
export async function keptDataset(store: Store, id: string, owner?: Owner): Promise<KeptDataset> {
  const found = await datasetIfKept(store, id);
  if (found !== undefined && (owner === undefined || found.owner === owner)) return found;
  throw new DistilleryError('dataset_not_found', `there is no data set ${JSON.stringify(id)}`);
}

/** Forgets a data set. Its file stays as long as a job names it. */
export async function dropDataset(store: Store, id: string): Promise<void> {
  await store.removeManifest(nameOf(id));
}

/**
 * Checks what can be checked of a source and its options before the file is there.
 *
 * @throws DistilleryError `invalid_body`
 */
export function checkDescription({ source, options }: Pick<NewDataset, 'source' | 'options'>): void {
  const kind = datasets.list.find(({ type }) => type === source);
  const readers = datasets.list.filter(({ options: own }) => 'path' in own.shape).map(({ type }) => type);
  if (source !== undefined && (kind === undefined || !readers.includes(source)))
    throw refusal('/source', 'is no source that reads a file', source, readers);
  for (const name of ['path', ...ofJobs]) {
    if (name in options)
      throw refusal(
        `/options/${name}`,
        name === 'path' ? 'is the uploaded file, and cannot be given' : 'belongs to the job, beside the id',
        options[name],
      );
  }
}

async function choiceOf(
  { source, options }: Pick<NewDataset, 'source' | 'options'>,
  file: KeptDataset['file'],
  path: string,
): Promise<Choice<'source'>> {
  checkDescription({ source, options });
  // A source that is given may still leave its columns to the file.
  const told = await recognise(path).catch((error: unknown) => {
    if (source === undefined) throw error;
    return undefined;
  });
  const chosen = source ?? told?.source;
  const usual = told?.source === chosen ? told?.options : {};
  const input = { ...usual, ...options, source: chosen, path: storedPath(file) };
  const { success, data, error } = datasets.schema.safeParse(input);
  if (success) return data;
  const fields = fieldErrors(error, input, '/options');
  const [first] = fields;
  throw new DistilleryError('invalid_body', `${first.path}: ${first.message}`, { fields });
}

function refusal(path: string, message: string, value: unknown, allowed?: string[]): DistilleryError {
  const field = { path, message, value, ...(allowed && { allowed }) };
  return new DistilleryError('invalid_body', `${path}: ${message}`, { fields: [field] });
}
