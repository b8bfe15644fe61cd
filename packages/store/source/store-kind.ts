import { join } from 'node:path';
import type { Store } from './store.ts';

/** A kind of store: one file that exports one description, under the scheme of its URLs. */
export interface StoreKind {
  /** The scheme of its URLs, in lower case and without the colon: `file`. */
  readonly scheme: string;
  /** One line for people: what it keeps its data in and how its URLs are written. */
  readonly summary: string;
  /**
   * Opens the store at a URL.
   *
   * @throws DistilleryError `malformed_request` for a URL that this kind cannot use, `store_unavailable` (retryable)
   *   for a store that cannot be reached
   */
  open(url: URL, context: StoreContext): Promise<Store>;
}

/** What a store is given by the process that opens it. */
export interface StoreContext {
  /** Receives a sentence for each damaged manifest that the store treats as absent. */
  warn(message: string): void;
  /** Where a store that is not on this machine keeps local copies, and the most bytes of them; default: a temporary folder. */
  cache?: LocalCache;
}

/** A folder of local copies, which the processes of a machine share. */
export interface LocalCache {
  folder: string;
  mostBytes: number;
}

/** Where a service keeps the local copies of its store: in a folder of its data folder. */
export function storeCache(dataDir: string, mostBytes: number): LocalCache {
  return { folder: join(dataDir, 'store'), mostBytes };
}
