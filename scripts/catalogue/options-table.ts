import type { CatalogueEntry } from '@distillery/spec';
import { markdownTable } from '@distillery/cli/markdown';
import { code } from './markdown.ts';

/** The part of JSON Schema that the job spec and the options of kinds use. */
export interface Schema {
  type?: string;
  description?: string;
  default?: unknown;
  const?: unknown;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
}

/** Renders the table of a kind's options: default, allowed values and meaning. */
export function optionsTable({ options }: CatalogueEntry): string {
  const { properties = {}, required } = options as Schema;
  return tableOf('option', properties, required);
}

/**
 * Renders the table of an object's fields: default, allowed values and meaning.
 *
 * @param title the title of the first column
 */
export function tableOf(
  title: string,
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[] = [],
): string {
  const rows = Object.entries(properties).map(([name, schema]) => [
    code(name),
    'default' in schema ? code(JSON.stringify(schema.default)) : required.includes(name) ? 'required' : '–',
    allowed(schema),
    schema.description ?? '',
  ]);
  return markdownTable([title, 'default', 'allowed', 'meaning'], rows);
}

/** Describes in words the values that a schema allows. */
export function allowed(schema: Schema): string {
  const { const: only, enum: values, anyOf, oneOf, type, items, properties = {} } = schema;
  if (only !== undefined) return code(JSON.stringify(only));
  if (values !== undefined) return values.map((value) => code(JSON.stringify(value))).join(', ');
  const kinds = kindsOf(oneOf ?? []);
  if (kinds.length > 0)
    return kindWords(kinds, oneOf?.[0].properties?.source === undefined ? 'type' : 'source');
  const choices = anyOf ?? oneOf;
  if (choices !== undefined) {
    const words = [...new Set(choices.map(allowed))];
    return [words.slice(0, -1).join(', '), ...words.slice(-1)].filter((part) => part !== '').join(' or ');
  }
  switch (type) {
    case 'number':
      return `a number${bounds(schema)}`;
    case 'integer':
      return `a whole number${bounds(schema)}`;
    case 'boolean':
      return '`true`, `false`';
    case 'string':
      return 'a string';
    case 'null':
      return '`null`';
    case 'array':
      return `a list of ${several(items === undefined ? 'anything' : allowed(items))}`;
    default:
      return properties.schedule?.const === undefined ? 'an object' : 'a schedule';
  }
}

/** Returns the values of the property that distinguishes the alternatives, `type` or `source`; none without such a property. */
function kindsOf(alternatives: readonly Schema[]): unknown[] {
  const named = alternatives.map(({ properties }) => (properties?.source ?? properties?.type)?.const);
  return named.includes(undefined) ? [] : named;
}

/** Long lists of kinds have pages of their own. */
function kindWords(kinds: readonly unknown[], name: 'type' | 'source'): string {
  if (kinds.length > 4) return `an object with a \`${name}\``;
  return `an object of ${name} ${kinds.map((kind) => code(JSON.stringify(kind))).join(', ')}`;
}

/** Turns a description into the plural: `a number ≥ 0` → `numbers ≥ 0`. */
function several(words: string): string {
  return words.replace(/^an? (whole )?(string|number|list|object)/, '$1$2s');
}

/** A maximum from here on only catches mistakes and is not shown. */
const vast = 1e6;

function bounds({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Schema): string {
  const least = minimum === undefined ? undefined : `≥ ${minimum}`;
  const above = exclusiveMinimum === undefined ? undefined : `> ${exclusiveMinimum}`;
  const most = maximum === undefined || maximum >= vast ? undefined : `≤ ${maximum}`;
  const below = exclusiveMaximum === undefined ? undefined : `< ${exclusiveMaximum}`;
  const parts = [least ?? above, most ?? below].filter((part) => part !== undefined);
  return parts.length === 0 ? '' : ` ${parts.join(' and ')}`;
}
