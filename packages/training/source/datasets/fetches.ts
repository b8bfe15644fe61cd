import {
  datasetProblemSchema,
  type DistilleryError,
  type NewDataset,
  presentable,
  shownUrl,
} from '@distillery/spec';
import type { Store } from '@distillery/store';
import { z } from 'zod';
import { fetchesFolder } from './folders.ts';
import { datasetId, datasetIfKept, isDatasetId } from './kept-datasets.ts';

/** Whose fetches are asked for: those of a name, of requests without keys (null), or all (undefined). */
type Owner = string | null | undefined;

const fetchSchema = z.object({
  id: z.string(),
  owner: z.string().nullable(),
  /** Whether UPLOAD_QUOTA bounds the files of the owner. */
  bounded: z.boolean(),
  createdAt: z.iso.datetime(),
  /** The whole URL, with its secrets. It is forgotten when the file is there. */
  url: z.string(),
  sha256: z.string().optional(),
  name: z.string().optional(),
  source: z.string().optional(),
  options: z.record(z.string(), z.unknown()),
});
/** A data set whose file is fetched from the web: it has its id, but no content yet. */
export type Fetch = z.output<typeof fetchSchema>;

const failureSchema = datasetProblemSchema.extend({ at: z.iso.datetime() });
/** Why a file was not fetched, and when this was known. */
export type FetchFailure = z.output<typeof failureSchema>;

/**
 * The folder of the store about a fetch:
 *
 *     fetches/<id>/about      what it is
 *     fetches/<id>/failed     why it has ended without a file
 *
 * and what has arrived, of which the service keeps the log.
 */
export const fetchFolder = (id: string): string => `${fetchesFolder}/${id}`;
const aboutName = (id: string) => `${fetchFolder(id)}/about`;
const failedName = (id: string) => `${fetchFolder(id)}/failed`;

/**
 * Begins to fetch a data set. The same again changes nothing while it is under way or when its file is there, and lets one that has
 * failed go on, with the user and the password that are given now.
 *
 * @returns its id
 */
export async function beginFetch(
  store: Store,
  { url = '', sha256, name, source, options }: NewDataset,
  { owner, bounded }: Pick<Fetch, 'owner' | 'bounded'>,
): Promise<string> {
  const known = new URL(url);
  // An id is shown: what can be guessed, as passwords can, is no part of it.
  [known.username, known.password] = ['', ''];
  const described = { url: known.href, sha256, name, source, options, owner };
  const id = datasetId(JSON.parse(JSON.stringify(described)) as object);
  if ((await datasetIfKept(store, id)) !== undefined) return id;
  if ((await failureOf(store, id)) !== undefined) {
    await store.removeManifest(aboutName(id));
    await store.removeManifest(failedName(id));
  }
  const begun: Fetch = {
    id,
    owner,
    bounded,
    createdAt: new Date().toISOString(),
    url,
    options,
    ...(sha256 !== undefined && { sha256 }),
    ...(name !== undefined && { name }),
    ...(source !== undefined && { source }),
  };
  await store.commit(aboutName(id), begun, fetchSchema);
  return id;
}

/** The fetch of a data set; undefined where there is none, or it belongs to another owner. */
export async function fetchOf(store: Store, id: string, owner?: Owner): Promise<Fetch | undefined> {
  const found = isDatasetId(id) ? await store.manifest(aboutName(id), fetchSchema) : undefined;
  return found !== undefined && (owner === undefined || found.owner === owner) ? found : undefined;
}

/** Lists what is being fetched, and what has failed, the newest first. */
export async function fetches(store: Store, owner?: Owner): Promise<Fetch[]> {
  const names = (await store.list(fetchesFolder)).filter((name) => name.endsWith('/about'));
  const found = await Promise.all(names.map((name) => store.manifest(name, fetchSchema)));
  return found
    .filter((one) => one !== undefined)
    .filter((one) => owner === undefined || one.owner === owner)
    .sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
}

/** Why a file was not fetched; undefined while it is being fetched. */
export async function failureOf(store: Store, id: string): Promise<FetchFailure | undefined> {
  return await store.manifest(failedName(id), failureSchema);
}

/** Notes why a file was not fetched. */
export async function failFetch(
  store: Store,
  { id, url }: Fetch,
  { code, message, fields = [{ path: '/url', message }] }: DistilleryError,
): Promise<void> {
  const errors = presentable(fields).map((field) =>
    field.path === '/url' ? { ...field, value: shownUrl(url) } : field,
  );
  await store.commit(failedName(id), { code, message, errors, at: new Date().toISOString() }, failureSchema);
}

/** Forgets a fetch, with all that is noted of it. Its blobs stay. */
export async function dropFetch(store: Store, id: string): Promise<void> {
  for (const name of await store.list(fetchFolder(id))) await store.removeManifest(name);
}
