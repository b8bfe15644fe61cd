/** The names that a library gives to the parameters of an architecture of ours. */
export interface ArchitectureNames {
  /**
   * Returns the tensors that a parameter of ours consists of, joined along their first dimension; undefined for a parameter that the
   * library's network does not have.
   */
  namesOf(name: string): readonly string[] | undefined;
}

/** One way of naming parameters, by the type of our architecture. */
export interface Naming {
  /** The name of the naming, as in `?names=`. */
  type: string;
  summary: string;
  architectures: Readonly<Record<string, ArchitectureNames>>;
}

/** The names of an architecture that are the library's own. */
export const sameNames: ArchitectureNames = { namesOf: (name) => [name] };

/**
 * Builds the names of an architecture from a table of prefixes: `{index}` stands for the number of a block, and the last part of a name
 * (`weight`, `bias`) stays.
 *
 * @param table for each name of ours, without its last part, those of the library; a name without such a part stands for itself
 */
export function namesByTable(table: Readonly<Record<string, string | readonly string[]>>): ArchitectureNames {
  return {
    namesOf(name) {
      const index = /^blocks\.(\d+)\./.exec(name)?.[1];
      const own = index === undefined ? name : name.replace(/^blocks\.\d+\./, 'blocks.{index}.');
      const at = own.lastIndexOf('.');
      const [stem, last] = [own.slice(0, at), own.slice(at)];
      const whole = Object.hasOwn(table, own);
      const found = whole ? table[own] : Object.hasOwn(table, stem) ? table[stem] : undefined;
      if (found === undefined) return undefined;
      return [found].flat().map((theirs) => theirs.replace('{index}', index ?? '') + (whole ? '' : last));
    },
  };
}
