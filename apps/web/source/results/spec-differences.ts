import { valueWords } from './words.ts';

/** One field of several specs: its path in words, and its value in each; undefined where the spec leaves it to the default. */
export interface SpecField {
  path: string;
  values: (string | undefined)[];
  differs: boolean;
}

/**
 * Puts the fields of specs side by side. Students, teachers and terms are matched by name or type, so that another order is
 * no difference; all other lists are one value.
 */
export function specFields(specs: readonly unknown[]): SpecField[] {
  const flat = specs.map((spec) => flattened(spec));
  const paths = new Set(flat.flatMap((fields) => [...fields.keys()]));
  return [...paths].map((path) => {
    const values = flat.map((fields) => fields.get(path));
    return { path, values, differs: values.some((value) => value !== values[0]) };
  });
}

function flattened(value: unknown, path = '', fields = new Map<string, string>()): Map<string, string> {
  if (Array.isArray(value) && value.length > 0 && value.every(isNamed)) {
    const seen = new Map<string, number>();
    for (const item of value) {
      const name = nameOf(item);
      const count = (seen.get(name) ?? 0) + 1;
      seen.set(name, count);
      const at = joined(path, count === 1 ? name : `${name} ${count}`);
      const before = fields.size;
      flattened(item, at, fields);
      // A term without options would leave no trace.
      if (fields.size === before) fields.set(at, 'yes');
    }
  } else if (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !('schedule' in value && typeof value.schedule === 'string')
  ) {
    for (const [name, item] of Object.entries(value)) {
      if (path !== '' && isNameOf(value, name, path)) continue;
      flattened(item, joined(path, name), fields);
    }
  } else if (value !== undefined) fields.set(path, valueWords(value));
  return fields;
}

const joined = (path: string, name: string) => (path === '' ? name : `${path} · ${name}`);

const isNamed = (item: unknown): item is { name?: unknown; type?: unknown } =>
  typeof item === 'object' && item !== null && ('name' in item || 'type' in item);
const nameOf = (item: { name?: unknown; type?: unknown }) => String(item.name ?? item.type);

/** Whether a field is the name that the path ends with already. */
function isNameOf(value: object, field: string, path: string): boolean {
  if (field !== 'name' && field !== 'type') return false;
  const last = path.split(' · ').at(-1)?.replace(/ \d+$/, '');
  return String((value as Record<string, unknown>)[field]) === last;
}
