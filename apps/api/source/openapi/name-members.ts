interface Schema {
  oneOf?: unknown[];
  anyOf?: unknown[];
  properties?: Record<string, { const?: unknown }>;
  [key: string]: unknown;
}

/**
 * Makes components of the members of unions, such as `TermSoftTarget`, wherever a union is. Generators of clients name what has
 * no name by its place: the names of openapi-typescript change when a member is added, and openapi-python-client finds the
 * same one twice and refuses the union.
 *
 * @param schemas the components by name
 */
export function nameMembers(schemas: Readonly<Record<string, object>>): Record<string, object> {
  const named: Record<string, object> = {};
  for (const [name, schema] of Object.entries(schemas)) named[name] = within(schema, name) as object;
  return Object.fromEntries(Object.entries(named).sort(([a], [b]) => (a < b ? -1 : 1)));

  /** Returns a schema with references to its members. `name` is what the schema would be called. */
  function within(value: unknown, name: string): unknown {
    if (Array.isArray(value)) return value.map((one) => within(one, name));
    if (typeof value !== 'object' || value === null) return value;
    const { properties, oneOf, anyOf, ...rest } = value as Schema;
    const result = Object.fromEntries(
      Object.entries(rest).map(([key, one]) => [key, within(one, name)]),
    ) as Schema;
    if (oneOf !== undefined) result.oneOf = oneOf.map((one) => member(one, name));
    if (anyOf !== undefined) result.anyOf = anyOf.map((one) => member(one, name));
    if (properties !== undefined) {
      result.properties = Object.fromEntries(
        Object.entries(properties).map(([key, one]) => [key, within(one, `${name}${pascal(key)}`) as object]),
      );
    }
    return result;
  }

  function member(schema: unknown, union: string): unknown {
    const kind = kindOf(schema);
    if (kind === undefined) return within(schema, union);
    const name = unused(`${union}${pascal(kind)}`);
    // The name is taken before members of the member ask for theirs.
    named[name] = {};
    named[name] = within(schema, name) as object;
    return { $ref: `#/components/schemas/${name}` };
  }

  function unused(name: string): string {
    for (let number = 2, free = name; ; free = `${name}${number++}`) {
      if (!(free in schemas) && !(free in named)) return free;
    }
  }
}

/** The value of the property that tells the members of a union apart: the first that has a single value. */
function kindOf(schema: unknown): string | undefined {
  const { properties = {} } = schema as Schema;
  const found = Object.values(properties).find((one) => typeof one.const === 'string');
  return found?.const as string | undefined;
}

/** `soft_target` → `SoftTarget` */
const pascal = (name: string): string =>
  name.replaceAll(/(?:^|[^a-z0-9]+)([a-z0-9])/gi, (_, first: string) => first.toUpperCase());
