import { navigate, useAddress } from './location.ts';

/** Changes to the query of the address: text sets a value, a list sets several, null removes it. */
export type QueryChanges = Readonly<Record<string, string | readonly string[] | null>>;

/** Returns an address of the current path with a changed query. */
function addressWith(changes: QueryChanges, from = new URL(location.href)): string {
  const query = new URLSearchParams(from.search);
  for (const [name, value] of Object.entries(changes)) {
    query.delete(name);
    for (const one of value === null ? [] : [value].flat()) if (one !== '') query.append(name, one);
  }
  // These need no escape in a query, and addresses are read by people.
  const text = query.toString().replaceAll(/%(?:2C|2F|3A|3D)/g, decodeURIComponent);
  return from.pathname + (text === '' ? '' : `?${text}`);
}

/** The query of the address and a function that changes it; Back undoes a change unless it replaces. */
export function useQuery(): [
  URLSearchParams,
  (changes: QueryChanges, options?: { replace?: boolean }) => void,
] {
  const { searchParams } = useAddress();
  return [searchParams, (changes, options) => navigate(addressWith(changes), options)];
}
