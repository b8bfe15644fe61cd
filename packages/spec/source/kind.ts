import { z } from 'zod';

/**
 * A kind is one entry of a registry: a data set source, an architecture, a distillation term. It is one file that
 * exports one description; everything that lists, validates or documents kinds derives from it.
 */
export interface Kind {
  /** The wire name, as in `{"type": "deepnn"}`. */
  readonly type: string;
  /** One sentence that says what the kind is or does. */
  readonly summary: string;
  /** The formula that it computes, as a line of plain text. */
  readonly formula?: string;
  /** The paper, specification or page that defines it. */
  readonly reference?: string;
  /** Its options with their defaults; a strict object, without the key that names the kind. */
  readonly options: z.ZodObject;
}

/** A parsed choice of a kind with its options filled in. */
export type Choice<Key extends string = 'type'> = Record<string, unknown> & Record<Key, string>;

/** A page of the catalogue: what `GET /v1/methods` and its siblings answer for each kind. */
export interface CatalogueEntry {
  type: string;
  summary: string;
  formula?: string;
  reference?: string;
  /** Of a term: what it reads by default, and which networks it trains beside the student. */
  needs?: string[];
  trains?: string[];
  options: Record<string, unknown>;
  defaults: Record<string, unknown>;
}

export interface Registry<K extends Kind, Key extends string = 'type'> {
  readonly list: readonly K[];
  /** The kind of that name; throws RangeError for a name the schema would have refused. */
  get(type: string): K;
  /** Parses a choice: the kind's name under `key`, its options beside it, unknown options refused. */
  readonly schema: z.ZodType<Choice<Key>>;
  catalogue(): CatalogueEntry[];
}

/**
 * @param key the property that names the kind (`type`, or `source` for data sets)
 * @param more what the catalogue tells beside what every kind declares
 */
export function registry<K extends Kind, Key extends string = 'type'>(
  kinds: readonly K[],
  key: Key = 'type' as Key,
  more: (kind: K) => Pick<CatalogueEntry, 'needs' | 'trains'> = () => ({}),
): Registry<K, Key> {
  const byType = new Map(kinds.map((kind) => [kind.type, kind]));
  if (byType.size !== kinds.length)
    throw new RangeError(`two kinds share a name: ${kinds.map((k) => k.type)}`);
  const members = kinds.map((kind) => kind.options.extend({ [key]: z.literal(kind.type) }));
  const allowed = kinds.map((kind) => kind.type);
  const schema = z.discriminatedUnion(key, members as unknown as [z.ZodObject], {
    error: (issue) => (issue.code === 'invalid_union' ? `must be one of: ${allowed.join(', ')}` : undefined),
  });
  return {
    list: kinds,
    get(type) {
      const kind = byType.get(type);
      if (kind === undefined)
        throw new RangeError(`unknown kind ${JSON.stringify(type)}: ${allowed.join(', ')}`);
      return kind;
    },
    schema: schema as unknown as z.ZodType<Choice<Key>>,
    catalogue: () =>
      kinds.map((kind) => ({
        type: kind.type,
        summary: kind.summary,
        ...(kind.formula === undefined ? {} : { formula: kind.formula }),
        ...(kind.reference === undefined ? {} : { reference: kind.reference }),
        ...more(kind),
        options: z.toJSONSchema(kind.options, { io: 'input' }) as Record<string, unknown>,
        defaults: defaultsOf(kind.options),
      })),
  };
}

/** The options that have a default, with it; options that must be given are left out. */
function defaultsOf(options: z.ZodObject): Record<string, unknown> {
  const defaults: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(options.shape)) {
    const parsed = z.safeParse(field, undefined);
    if (parsed.success && parsed.data !== undefined) defaults[name] = parsed.data;
  }
  return defaults;
}
