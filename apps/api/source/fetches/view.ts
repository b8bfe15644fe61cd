import { shownUrl, type StoredDataset } from '@distillery/spec';
import type { Store } from '@distillery/store';
import { failureOf, type Fetch } from '@distillery/training';
import { plainName } from '../uploads/tus.ts';
import { arrived } from './log.ts';

/** Describes a data set whose file is not there yet. */
export async function fetchView(store: Store, fetch: Fetch): Promise<StoredDataset> {
  const { id, owner, createdAt, url, source = null, options } = fetch;
  const [{ received, size, name }, failure] = await Promise.all([
    arrived(store, fetch),
    failureOf(store, id),
  ]);
  const file = name ?? plainName(new URL(url).pathname);
  return {
    id,
    name: fetch.name ?? file,
    owner,
    createdAt,
    file: { name: file, size, digest: null },
    source,
    options,
    url: shownUrl(url),
    received,
    state: failure === undefined ? 'fetching' : 'failed',
    error:
      failure === undefined ? null : { code: failure.code, message: failure.message, errors: failure.errors },
    summary: null,
  };
}
