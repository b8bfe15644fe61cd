import { DistilleryError } from '@distillery/spec';
import type { Store } from '@distillery/store';
import { keptDatasets, keptNetworks } from '@distillery/training';
import { type Caller, ownerSeenBy } from '../caller.ts';
import { fetchedBytes } from '../fetches/log.ts';
import { list, whole } from './record.ts';
import type { UploadRules } from './rules.ts';

/** The most uploads of an owner at a time, however small. */
const mostUploads = 1000;

/** The bytes that the files of an owner take: uploads by the size that they will have, and equal files once. */
async function bytesOf(store: Store, owner: string): Promise<number> {
  const files = new Map<string, number>();
  for (const about of await list(store, owner)) {
    files.set((await whole(store, about))?.digest ?? about.id, about.size);
  }
  for (const { file } of await keptDatasets(store, owner)) files.set(file.digest, file.size);
  for (const { id, bytes } of await fetchedBytes(store, owner)) files.set(id, bytes);
  for (const network of await keptNetworks(store)) {
    if (network.owner === owner) files.set(network.weights.digest, network.weights.size);
  }
  return [...files.values()].reduce((sum, size) => sum + size, 0);
}

/** @throws DistilleryError `upload_too_large` for a file above the limit */
export function checkSize(size: number, { mostBytes }: Pick<UploadRules, 'mostBytes'>): void {
  if (size <= mostBytes) return;
  const message = `the file has ${size} bytes, more than the ${mostBytes} of UPLOAD_BYTES: split it, or put it into a folder of DATA_ROOTS`;
  throw new DistilleryError('upload_too_large', message);
}

/**
 * Checks the space of an owner once a file is noted, so that of two requests at the same time neither goes beyond it.
 *
 * @throws DistilleryError `storage_quota`
 */
export async function checkSpace(
  store: Store,
  caller: Caller | null,
  { quotaBytes }: UploadRules,
): Promise<void> {
  const owner = ownerSeenBy(caller);
  if (owner !== undefined) await checkSpaceOf(store, owner, { quotaBytes });
}

/** As `checkSpace`, for an owner who has a quota. */
export async function checkSpaceOf(
  store: Store,
  owner: string,
  { quotaBytes }: Pick<UploadRules, 'quotaBytes'>,
): Promise<void> {
  const count = (await list(store, owner)).length;
  if (count > mostUploads) {
    const message = `${owner} has ${mostUploads} uploads already: delete some of them, or wait until they expire`;
    throw new DistilleryError('storage_quota', message);
  }
  const used = await bytesOf(store, owner);
  if (used <= quotaBytes) return;
  throw new DistilleryError(
    'storage_quota',
    `with it the files of ${owner} would take ${used} bytes, more than the ${quotaBytes} of UPLOAD_QUOTA: delete uploads, data sets or networks first`,
  );
}
