import type { OpenApiDocument } from './document.ts';
import { nameMembers } from './name-members.ts';

const prefix = '#/components/schemas/';

/**
 * Keeps the schemas that routes use, each once where what is sent and what is received have the same form, and makes
 * fields with defaults optional in generated clients.
 */
export function smallestSchemas(document: OpenApiDocument): OpenApiDocument {
  // What `GET …/spec` returns was sent, so it has the form of requests.
  const { schemas, ...components } = document.components;
  const paths = JSON.parse(
    JSON.stringify(document.paths).replaceAll(`"${prefix}JobSpec"`, `"${prefix}JobSpecInput"`),
  ) as OpenApiDocument['paths'];
  const requests = reachable(
    Object.values(paths).flatMap((item) =>
      Object.values(item).map((operation) => ({ ...operation, responses: {} })),
    ),
    schemas,
  );
  const all = reachable([paths, components, document.webhooks ?? {}], schemas);
  const kept = Object.fromEntries(
    [...all].map((name) => [
      name,
      requests.has(name) ? (withoutDefaults(schemas[name]) as object) : schemas[name],
    ]),
  );
  const single = singleForms(kept);
  let text = JSON.stringify({ ...document, paths, components });
  let named = JSON.stringify(
    Object.fromEntries(
      Object.entries(kept)
        .filter(([name]) => !(single.has(name) && `${name}Input` in kept))
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    ),
  );
  for (const name of single) {
    text = text.replaceAll(`"${prefix}${name}Input"`, `"${prefix}${name}"`);
    named = named
      .replaceAll(`"${prefix}${name}Input"`, `"${prefix}${name}"`)
      .replace(`"${name}Input":`, `"${name}":`);
  }
  const result = JSON.parse(text, forGenerators) as OpenApiDocument;
  result.components.schemas = nameMembers(JSON.parse(named, forGenerators));
  return result;
}

/**
 * Writes what openapi-python-client cannot read in another way: the `items: false` of a tuple whose `maxItems` allows no
 * more items anyway, and an `enum` of numbers or of values of several types, which becomes a union.
 */
function forGenerators(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { items, prefixItems, enum: values, type, ...rest } = value as Record<string, unknown>;
  if (Array.isArray(prefixItems) && items === false && rest.maxItems === prefixItems.length) {
    return { type, prefixItems, ...rest };
  }
  if (type === 'number' && Array.isArray(values))
    return { ...rest, anyOf: values.map((one) => ({ const: one })) };
  if (Array.isArray(values) && new Set(values.map((one) => typeof one)).size > 1) {
    const others = values.filter((one) => typeof one !== 'boolean').map((one: unknown) => ({ const: one }));
    const both = values.includes(true) && values.includes(false);
    const flags = values.filter((one) => typeof one === 'boolean').map((one: boolean) => ({ const: one }));
    return { ...rest, anyOf: [...(both ? [{ type: 'boolean' }] : flags), ...others] };
  }
  return value;
}

/** The names of schemas whose form in requests (`<name>Input`) is the only one in use, or equals that in responses. */
function singleForms(schemas: Readonly<Record<string, object>>): Set<string> {
  const single = new Set(
    Object.keys(schemas)
      .filter((name) => name.endsWith('Input'))
      .map((name) => name.slice(0, -'Input'.length)),
  );
  const form = (name: string) => {
    let text = JSON.stringify(schemas[name]);
    for (const one of single) text = text.replaceAll(`"${prefix}${one}Input"`, `"${prefix}${one}"`);
    return text;
  };
  for (let before = -1; before !== single.size; ) {
    before = single.size;
    for (const name of single) {
      if (name in schemas && form(name) !== form(`${name}Input`)) single.delete(name);
    }
  }
  return single;
}

function reachable(from: unknown, schemas: Readonly<Record<string, object>>): Set<string> {
  const found = new Set<string>();
  const visit = (value: unknown) => {
    for (const [, name] of JSON.stringify(value).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (found.has(name)) continue;
      found.add(name);
      visit(schemas[name]);
    }
  };
  visit(from);
  return found;
}

/**
 * Moves defaults into the descriptions. Generators read a default as a field that is always there, which holds for
 * responses alone (openapi-typescript's `defaultNonNullable`).
 */
function withoutDefaults(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutDefaults);
  if (typeof schema !== 'object' || schema === null) return schema;
  const { properties, ...rest } = schema as { properties?: Record<string, unknown>; default?: unknown };
  const parts = Object.entries(rest).map(([key, value]) => [key, withoutDefaults(value)] as const);
  const result = Object.fromEntries(parts) as Record<string, unknown>;
  if (properties !== undefined) {
    result.properties = Object.fromEntries(
      Object.entries(properties).map(([name, value]) => [name, withoutDefaults(value)]),
    );
  }
  if (!('default' in rest)) return result;
  delete result.default;
  const told = `Default: \`${JSON.stringify(rest.default)}\`.`;
  const { description } = result;
  result.description = typeof description === 'string' ? `${description} ${told}` : told;
  return result;
}
