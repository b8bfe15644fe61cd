import type { DistilleryQueue } from '@distillery/queue';
import { type Fetch, fetchFolder, fetches } from '@distillery/training';
import type { Store } from '@distillery/store';
import { z } from 'zod';
import { blobName } from '../artifacts/named.ts';
import { endOf, lastPart, parts, type PartsLog } from '../uploads/parts.ts';

/**
 * A version of a file on the web. A host that has another one later begins the file anew:
 *
 *     fetches/<id>/<number>             a version: what the host has told of it
 *     fetches/<id>/<number>.<offset>    bytes of this version that have arrived: a blob
 *
 * A process that has lost its lease without knowing can add a part only where the next process has not.
 */
const versionSchema = z.object({
  number: z.int().min(0),
  /** The bytes of the whole file, where the host tells. */
  size: z.int().min(0).nullable(),
  /** A strong entity tag or a date by which the host knows this version again (RFC 9110, 13.1.5). */
  validator: z.string().nullable(),
  /** The name of the file. */
  name: z.string(),
});
export type Version = z.output<typeof versionSchema>;

const digits = (number: number) => String(number).padStart(6, '0');
const versionName = (id: string, number: number) => `${fetchFolder(id)}/${digits(number)}`;

/** Where the parts of a version are. */
export function versionLog({ id }: Pick<Fetch, 'id'>, { number }: Version): PartsLog {
  return { folder: fetchFolder(id), beginning: `${versionName(id, number)}.` };
}

/** The version of which bytes have arrived; undefined where none has. */
export async function latestVersion(store: Store, { id }: Pick<Fetch, 'id'>): Promise<Version | undefined> {
  const names = (await store.list(fetchFolder(id))).filter((name) => /\/\d{6}$/.test(name));
  const last = names.at(-1);
  return last === undefined ? undefined : await store.manifest(last, versionSchema);
}

/** Begins another version, and forgets the earlier ones. */
export async function beginVersion(
  queue: Pick<DistilleryQueue, 'inventory'>,
  store: Store,
  { id }: Pick<Fetch, 'id'>,
  found: Omit<Version, 'number'>,
): Promise<Version> {
  const before = await namesOf(store, id);
  const number = 1 + Math.max(-1, ...before.map((name) => Number(/\/(\d{6})/.exec(name)?.[1])));
  const begun = { ...found, number };
  await store.commit(versionName(id, number), begun, versionSchema);
  await forget(queue, store, before);
  return begun;
}

/** Forgets what has arrived of a fetch. */
export async function forgetArrived(
  queue: Pick<DistilleryQueue, 'inventory'>,
  store: Store,
  id: string,
): Promise<void> {
  await forget(queue, store, await namesOf(store, id));
}

/** The names of the versions and their parts. */
async function namesOf(store: Store, id: string): Promise<string[]> {
  return (await store.list(fetchFolder(id))).filter((name) => /\/\d{6}(\.\d{16})?$/.test(name));
}

/** Removes versions and parts; a collection removes those of their blobs that nothing else names. */
async function forget(
  { inventory }: Pick<DistilleryQueue, 'inventory'>,
  store: Store,
  names: readonly string[],
): Promise<void> {
  const found = await Promise.all(names.map((name) => store.manifest(name)));
  const digests = found.map((part) => (part as { digest?: string } | undefined)?.digest);
  await inventory.leftovers.add(digests.filter((digest) => digest !== undefined).map(blobName));
  for (const name of names) await store.removeManifest(name);
}

/** What has arrived of a fetch, and what the file will be, as far as this is known. */
export async function arrived(
  store: Store,
  fetch: Pick<Fetch, 'id'>,
): Promise<{ received: number; size: number | null; name: string | undefined }> {
  const version = await latestVersion(store, fetch);
  if (version === undefined) return { received: 0, size: null, name: undefined };
  const { size, name } = version;
  return { received: endOf(await lastPart(store, versionLog(fetch, version))), size, name };
}

/** The parts of the latest version, and its name. */
export async function arrivedParts(store: Store, fetch: Pick<Fetch, 'id'>, version: Version) {
  return await parts(store, versionLog(fetch, version));
}

/** The bytes that the unfinished fetches of an owner take: by the sizes of their files, where these are known. */
export async function fetchedBytes(store: Store, owner: string): Promise<{ id: string; bytes: number }[]> {
  const own = await fetches(store, owner);
  return await Promise.all(
    own.map(async (fetch) => {
      const { size, received } = await arrived(store, fetch);
      return { id: fetch.id, bytes: size ?? received };
    }),
  );
}
