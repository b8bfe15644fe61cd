/** A place in a spec: the names and indices that lead to it. */
export type Path = readonly (string | number)[];

/** The JSON pointer of a place (RFC 6901), as the service names fields. */
export const pointerOf = (path: Path): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** The value at a place; undefined when there is none. */
export function valueAt(spec: unknown, path: Path): unknown {
  let value = spec;
  for (const part of path) value = (value as Record<string | number, unknown> | undefined | null)?.[part];
  return value;
}

/**
 * Returns the spec with another value at a place; undefined removes it. What contains the place is copied, the rest is
 * shared, and objects that are missing on the way are made.
 */
export function withValue(spec: unknown, [part, ...rest]: Path, value: unknown): unknown {
  if (part === undefined) return value;
  if (typeof part === 'number') {
    const list = Array.isArray(spec) ? [...(spec as unknown[])] : [];
    if (rest.length === 0 && value === undefined) list.splice(part, 1);
    else list[part] = withValue(list[part], rest, value);
    return list;
  }
  const object = { ...(spec as Record<string, unknown> | undefined) };
  const next = withValue(object[part], rest, value);
  if (next === undefined) delete object[part];
  else object[part] = next;
  return object;
}
