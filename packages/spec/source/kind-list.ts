/**
 * Kinds by name: what every registry is. Registries of kinds that a job names have a schema on top (`registry()` in
 * `kind.ts`). This file imports nothing, so that the batch thread, which every trainer waits for, can use it without Zod.
 */
export interface KindList<K> {
  /** Every kind, in the order in which they were added. */
  readonly list: readonly K[];
  /**
   * Returns the kind of that name.
   *
   * @throws RangeError for an unknown name; the message lists the known ones
   */
  get(name: string): K;
  /**
   * Adds a kind, as plug-ins and tests do. Adding the same kind twice has no effect.
   *
   * @throws RangeError when another kind has its name
   */
  add(kind: K): void;
}

/**
 * Builds a list of kinds.
 *
 * @param what the singular noun that errors use, as in `store`
 * @param nameOf returns the name of a kind, which never changes
 * @param kinds the built-in kinds
 * @throws RangeError when two kinds share a name
 */
export function kindList<K>(what: string, nameOf: (kind: K) => string, kinds: readonly K[]): KindList<K> {
  const list: K[] = [];
  const find = (name: string) => list.find((kind) => nameOf(kind) === name);

  function add(kind: K): void {
    const known = find(nameOf(kind));
    if (known === kind) return;
    if (known !== undefined) throw new RangeError(`there are two ${what}s named ${nameOf(kind)}`);
    list.push(kind);
  }

  kinds.forEach(add);
  return {
    list,
    get(name) {
      const kind = find(name);
      if (kind === undefined)
        throw new RangeError(`unknown ${what} ${JSON.stringify(name)}: ${list.map(nameOf).join(', ')}`);
      return kind;
    },
    add,
  };
}
