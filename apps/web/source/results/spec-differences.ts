import { valueWords } from './words.ts';

/** The value of a student, teacher or term that a spec has. */
const present = 'yes';
const separator = ' · ';

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
  const paths = [...new Set(flat.flatMap((fields) => [...fields.keys()]))];
  // What only some of the specs have is one row, without its own fields.
  const partial = paths.filter((path) => {
    const values = flat.map((fields) => fields.get(path));
    return values.includes(present) && values.includes(undefined);
  });
  return paths
    .filter((path) => !partial.some((other) => path.startsWith(other + separator)))
    .map((path) => {
      const values = flat.map((fields) => fields.get(path));
      return { path, values, differs: values.some((value) => value !== values[0]) };
    })
    .filter(({ values, differs }) => differs || values[0] !== present);
}

function flattened(value: unknown, path = '', fields = new Map<string, string>()): Map<string, string> {
  if (Array.isArray(value) && value.length > 0 && value.every(isNamed)) {
    const seen = new Map<string, number>();
    for (const item of value) {
      const name = nameOf(item);
      const count = (seen.get(name) ?? 0) + 1;
      seen.set(name, count);
      const at = joined(path, count === 1 ? name : `${name} ${count}`);
      fields.set(at, present);
      flattened(item, at, fields);
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

const joined = (path: string, name: string) => (path === '' ? name : path + separator + name);

const isNamed = (item: unknown): item is { name?: unknown; type?: unknown } =>
  typeof item === 'object' && item !== null && ('name' in item || 'type' in item);
const nameOf = (item: { name?: unknown; type?: unknown }) => String(item.name ?? item.type);

/** Whether a field is the name that the path ends with already. */
function isNameOf(value: object, field: string, path: string): boolean {
  if (field !== 'name' && field !== 'type') return false;
  const last = path.split(separator).at(-1)?.replace(/ \d+$/, '');
  return String((value as Record<string, unknown>)[field]) === last;
}
