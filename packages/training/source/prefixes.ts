/** The entries whose names begin with a prefix, under the rest of their names; all of them for an empty one. */
export function withoutPrefix<V>(prefix: string, values: Readonly<Record<string, V>>): Record<string, V> {
  if (prefix === '') return values;
  return Object.fromEntries(
    Object.entries(values)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
}
