import { z } from 'zod';
import { type KindList, kindList } from './kind-list.ts';

/**
 * A kind is one entry of a registry: a data set source, an architecture, a distillation term. Each is one file that
 * exports one description. Everything that lists, validates or documents kinds derives from these descriptions.
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

/** A parsed choice with further fields; the key is absent where the default kind was left out. */
type Extended<Shape extends z.ZodRawShape, Key extends string = 'type'> = Record<string, unknown> &
  Partial<Record<Key, string>> &
  z.output<z.ZodObject<Shape>>;
type ExtendedInput<Shape extends z.ZodRawShape> = Record<string, unknown> & z.input<z.ZodObject<Shape>>;

/** A page of the catalogue: what `GET /v1/methods` and its siblings answer for each kind. */
export interface CatalogueEntry {
  type: string;
  summary: string;
  formula?: string;
  reference?: string;
  /** Of a term: what it reads by default, and which networks it trains beside the student. */
  needs?: string[];
  trains?: string[];
  /** Of a transform: what it changes, `pixels`, `tokens` or `pairs`. */
  changes?: string;
  /** Of a weight format: how its files are sent and named. */
  mediaType?: string;
  extension?: string;
  options: Record<string, unknown>;
  defaults: Record<string, unknown>;
}

/** The order of its list is that of the catalogues. */
export interface Registry<K extends Kind, Key extends string = 'type'> extends KindList<K> {
  /** Parses a choice: the kind's name under `key` with its options beside it. Unknown options are refused. */
  readonly schema: z.ZodType<Choice<Key>>;
  /** Parses a choice with further fields beside the options, which every kind has. */
  extended<Shape extends z.ZodRawShape>(shape: Shape): z.ZodType<Extended<Shape, Key>, ExtendedInput<Shape>>;
  catalogue(): CatalogueEntry[];
  /**
   * Adds a kind, as plug-ins and tests do. Call it before the schema parses or describes anything: a schema that has
   * been used is published (as the OpenAPI page) and does not change any more.
   *
   * @throws RangeError when a kind of that name exists, or the schema has been used
   */
  add(kind: K): void;
}

/**
 * Builds a registry.
 *
 * @param kinds the built-in kinds
 * @param key the property that names the kind (`type`, or `source` for data sets)
 * @param more what the catalogue adds to what every kind declares
 * @param absent the kind of a choice without the key; default: the key is required
 * @throws RangeError when two kinds share a name
 */
export function registry<K extends Kind, Key extends string = 'type'>(
  kinds: readonly K[],
  key: Key = 'type' as Key,
  more: (
    kind: K,
  ) => Pick<CatalogueEntry, 'needs' | 'trains' | 'changes' | 'mediaType' | 'extension'> = () => ({}),
  absent?: string,
): Registry<K, Key> {
  const { list, get, add: append } = kindList('kind', (kind: K) => kind.type, kinds);
  let used = false;

  function add(kind: K): void {
    if (used) {
      throw new RangeError(`${kind.type} comes too late: the schema of ${names()} has been used already`);
    }
    append(kind);
  }

  function union(shape: z.ZodRawShape): z.ZodType {
    used = true;
    const members = list.map((kind) => {
      const name = z.literal(kind.type);
      const named =
        kind.type === absent
          ? name.optional().describe(`${kind.summary} This kind is the default.`)
          : name.describe(kind.summary);
      return kind.options.extend({ ...shape, [key]: named });
    });
    return z.discriminatedUnion(key, members as unknown as [z.ZodObject], {
      error: (issue) => (issue.code === 'invalid_union' ? `must be one of: ${names()}` : undefined),
    });
  }

  const names = () => list.map(({ type }) => type).join(', ');
  return {
    list,
    get,
    // Built when it is first used, so that a schema may embed it before plug-ins have added their kinds.
    schema: z.lazy(() => union({})) as unknown as z.ZodType<Choice<Key>>,
    extended: <Shape extends z.ZodRawShape>(shape: Shape) =>
      z.lazy(() => union(shape)) as unknown as z.ZodType<Extended<Shape, Key>, ExtendedInput<Shape>>,
    catalogue: () =>
      list.map((kind) => ({
        type: kind.type,
        summary: kind.summary,
        ...(kind.formula === undefined ? {} : { formula: kind.formula }),
        ...(kind.reference === undefined ? {} : { reference: kind.reference }),
        ...more(kind),
        options: z.toJSONSchema(kind.options, { io: 'input' }) as Record<string, unknown>,
        defaults: defaultsOf(kind.options),
      })),
    add,
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
