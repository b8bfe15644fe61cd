import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DistilleryError } from '@distillery/spec/errors';
import type { StoreContext } from './store-kind.ts';
import type { Store } from './store.ts';
import { storeKinds } from './stores/index.ts';

/**
 * Opens the artifact store at a URL such as `file:///var/lib/distillery`, or in the folder of a path.
 *
 * @param options.cache see `StoreContext`
 * @param options.warn receives a sentence for each damaged manifest; default: a process warning on stderr
 * @throws DistilleryError `malformed_request` for a location that no kind of store can use, `store_unavailable`
 *   (retryable) for a store that cannot be reached
 */
export async function openStore(location: string, options: Partial<StoreContext> = {}): Promise<Store> {
  const url = storeUrl(location);
  const { warn = (message) => process.emitWarning(message), ...others } = options;
  return await storeKinds.get(url.protocol.slice(0, -1)).open(url, { warn, ...others });
}

/**
 * Turns the location of a store into its URL. A path, relative or absolute, becomes a `file:` URL; nothing is opened.
 *
 * @throws DistilleryError `malformed_request` for an unknown scheme and for a text that is not a URL
 */
export function storeUrl(location: string): URL {
  if (location === '') throw unusable('the location of the store is empty');
  // One letter before a colon is a drive of Windows.
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]+):/.exec(location)?.[1]?.toLowerCase();
  if (scheme === undefined) return pathToFileURL(resolve(location));
  if (!storeKinds.list.some((kind) => kind.scheme === scheme)) {
    const known = storeKinds.list.map((kind) => `${kind.scheme}:`).join(', ');
    throw unusable(`no store can be opened at ${location}: the scheme must be one of ${known}, or a path`);
  }
  if (scheme === 'file' && !/^file:\//i.test(location)) {
    throw unusable(`${location} is not an absolute file: URL: write file:///folder, or a path`);
  }
  try {
    return new URL(location);
  } catch (cause) {
    throw unusable(`${location} is not a URL`, cause);
  }
}

function unusable(message: string, cause?: unknown): DistilleryError {
  return new DistilleryError('malformed_request', message, { cause });
}
