import type { CatalogueEntry } from '@distillery/spec';
import { markdownTable } from '../../apps/cli/source/markdown.ts';
import { code } from './markdown.ts';

/** The part of JSON Schema that the options of kinds use. */
interface Schema {
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
}

/** Renders the table of a kind's options: default, allowed values and meaning. */
export function optionsTable({ options, defaults }: CatalogueEntry): string {
  const { properties, required = [] } = options as {
    properties: Record<string, Schema>;
    required?: string[];
  };
  const rows = Object.entries(properties).map(([name, schema]) => [
    code(name),
    name in defaults ? code(JSON.stringify(defaults[name])) : required.includes(name) ? 'required' : '–',
    allowed(schema),
    schema.description ?? '',
  ]);
  return markdownTable(['option', 'default', 'allowed', 'meaning'], rows);
}

/** Describes in words the values that a schema allows. */
export function allowed(schema: Schema): string {
  const { const: only, enum: values, anyOf, oneOf, type, items, properties = {} } = schema;
  if (only !== undefined) return code(JSON.stringify(only));
  if (values !== undefined) return values.map((value) => code(JSON.stringify(value))).join(', ');
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
      return 'a name';
    case 'array':
      return `a list of ${several(items === undefined ? 'anything' : allowed(items))}`;
    default:
      return 'schedule' in properties ? 'a schedule' : 'an object';
  }
}

/** Turns a description into the plural: `a number ≥ 0` → `numbers ≥ 0`. */
function several(words: string): string {
  return words.replace(/^a (whole )?(name|number|list)/, '$1$2s');
}

/** Maxima from here on only reject nonsense and are not shown. */
const vast = 1e6;

function bounds({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Schema): string {
  const least = minimum === undefined ? undefined : `≥ ${minimum}`;
  const above = exclusiveMinimum === undefined ? undefined : `> ${exclusiveMinimum}`;
  const most = maximum === undefined || maximum >= vast ? undefined : `≤ ${maximum}`;
  const below = exclusiveMaximum === undefined ? undefined : `< ${exclusiveMaximum}`;
  const parts = [least ?? above, most ?? below].filter((part) => part !== undefined);
  return parts.length === 0 ? '' : ` ${parts.join(' and ')}`;
}
