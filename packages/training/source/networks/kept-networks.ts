import { openRegularFile, resolveSourcePath } from '@distillery/datasets';
import {
  type DescribedNetwork,
  digestOf,
  DistilleryError,
  type Network,
  networkSchema,
} from '@distillery/spec';
import type { Store } from '@distillery/store';
import { bringNetwork } from './bring-network.ts';

/** The folder of the store with a manifest for each network that people have brought. */
export const networksFolder = 'networks';

const nameOf = (id: string) => `${networksFolder}/${id}`;
/** Larger files are refused before they are read: reading takes their size in memory. */
const mostBytes = 4 * 2 ** 30;

/**
 * Checks the weights in a file against an architecture, and keeps the network in the store. Keeping the same network of one owner
 * under one name again returns the one that is kept.
 *
 * @param bytes the file, as `networkFile` or `uploadedNetwork` reads it
 * @throws DistilleryError `invalid_network`, with the fields at fault; those of the store
 */
export async function keepNetwork(
  store: Store,
  given: DescribedNetwork,
  { bytes, owner }: { bytes: Uint8Array; owner: string | null },
): Promise<Network> {
  const { file, parameters } = bringNetwork(bytes, given);
  const weights = await store.put(file);
  const { name = null, license = null, ...described } = given;
  const id = `net_${digestOf({ weights: weights.digest, name, owner }).slice(0, 26)}`;
  const createdAt = new Date().toISOString();
  const network: Network = { ...described, id, name, license, owner, createdAt, parameters, weights };
  const { manifest } = await store.commit(nameOf(id), network, networkSchema);
  return manifest;
}

/** Returns every network that is kept, the newest first. */
export async function keptNetworks(store: Store): Promise<Network[]> {
  const names = await store.list(networksFolder);
  const found = await Promise.all(names.map((name) => store.manifest(name, networkSchema)));
  return found
    .filter((network) => network !== undefined)
    .sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
}

/**
 * Returns a network.
 *
 * @param isSeen whether what belongs to an owner is seen; default: all is
 * @throws DistilleryError `network_not_found` for one that is not there, or not seen
 */
export async function keptNetwork(
  store: Store,
  id: string,
  isSeen: (owner: string | null) => boolean = () => true,
): Promise<Network> {
  const found = /^net_[0-9a-f]{26}$/.test(id) ? await store.manifest(nameOf(id), networkSchema) : undefined;
  if (found !== undefined && isSeen(found.owner)) return found;
  throw new DistilleryError('network_not_found', `there is no network ${JSON.stringify(id)}`);
}

/** Forgets a network. Its weights stay as long as a job names them. */
export async function dropNetwork(store: Store, id: string): Promise<void> {
  await store.removeManifest(nameOf(id));
}

/** The digest of the weights that a manifest of the folder names. */
export function networkBlobs(manifest: unknown): string[] {
  return [networkSchema.parse(manifest).weights.digest];
}

/**
 * Reads an uploaded file of weights.
 *
 * @throws DistilleryError `invalid_network` for one that is too large; those of the store
 */
export async function uploadedNetwork(
  store: Store,
  { digest, size, name }: { digest: string; size: number; name: string },
): Promise<Uint8Array> {
  if (size <= mostBytes) return await store.read(digest);
  const message = `has ${size} bytes, more than ${mostBytes}`;
  throw new DistilleryError('invalid_network', `${name}: ${message}`, {
    fields: [{ path: '/upload', value: name, message }],
  });
}

/**
 * Reads a file of weights below an allowed folder.
 *
 * @throws DistilleryError `invalid_network` for a file that cannot be read
 */
export async function networkFile(path: string, roots: readonly string[]): Promise<Uint8Array> {
  try {
    const real = await resolveSourcePath(path, { roots, cacheDir: '' });
    const file = await openRegularFile(real);
    try {
      const { size } = await file.stat();
      if (size > mostBytes) throw new RangeError(`has ${size} bytes, more than ${mostBytes}`);
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (cause) {
    const reason =
      cause instanceof DistilleryError
        ? (cause.fields?.[0].message ?? cause.message)
        : (cause as Error).message;
    throw new DistilleryError('invalid_network', `${path}: ${reason}`, {
      cause,
      fields: [{ path: '/path', value: path, message: reason, allowed: [...roots] }],
    });
  }
}
