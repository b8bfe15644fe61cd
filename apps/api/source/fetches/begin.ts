import { DistilleryError, type NewDataset, shownUrl } from '@distillery/spec';
import type { Store } from '@distillery/store';
import { beginFetch, checkDescription, fetches } from '@distillery/training';
import { type Caller, ownerSeenBy } from '../caller.ts';
import type { AddressRule } from '../outgoing/addresses.ts';
import { checkHost } from '../outgoing/check-host.ts';

/** The most fetches of an owner that are under way or have failed. */
const mostFetches = 100;

/**
 * Begins to fetch the file of a data set.
 *
 * @returns the id of the data set
 * @throws DistilleryError `invalid_body` for a host that is not public, a source or an option that does not fit; `storage_quota` for too
 *   many fetches
 */
export async function begin(
  store: Store,
  data: NewDataset & { url: string },
  caller: Caller | null,
  allows: AddressRule,
): Promise<string> {
  checkDescription(data);
  await checkHost(data.url, allows, shownUrl(data.url));
  const owner = ownerSeenBy(caller);
  if (owner !== undefined && (await fetches(store, owner)).length >= mostFetches)
    throw new DistilleryError(
      'storage_quota',
      `${owner} has ${mostFetches} data sets whose files are fetched or were not: wait, or delete some of them`,
    );
  return await beginFetch(store, data, { owner: caller?.name ?? null, bounded: owner !== undefined });
}
