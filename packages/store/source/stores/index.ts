import type { StoreKind } from '../store-kind.ts';
import { file } from './file.ts';

/**
 * Every kind of store, by the scheme of its URLs.
 *
 * This is not a `registry()` of the spec, because the batch thread opens stores and must not import Zod.
 */
export const storeKinds = storeRegistry([file]);

export interface StoreRegistry {
  readonly list: readonly StoreKind[];
  /** @throws RangeError for an unknown scheme */
  get(scheme: string): StoreKind;
  /**
   * Adds a kind, as plug-ins and tests do.
   *
   * @throws RangeError when its scheme is taken
   */
  add(kind: StoreKind): void;
}

function storeRegistry(kinds: readonly StoreKind[]): StoreRegistry {
  const list: StoreKind[] = [];
  const find = (scheme: string) => list.find((kind) => kind.scheme === scheme);
  const add = (kind: StoreKind) => {
    if (find(kind.scheme)) throw new RangeError(`two kinds of store share the scheme ${kind.scheme}`);
    list.push(kind);
  };
  kinds.forEach(add);
  return {
    list,
    get(scheme) {
      const kind = find(scheme);
      if (kind !== undefined) return kind;
      throw new RangeError(`unknown scheme ${scheme}: ${list.map((known) => known.scheme).join(', ')}`);
    },
    add,
  };
}
