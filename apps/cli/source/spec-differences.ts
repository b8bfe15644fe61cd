import type { JobSpecInput } from '@distillery/spec';

/** A field in which specs differ, with its value in each; undefined where a spec leaves it out. */
export interface SpecDifference {
  /** `students.soft.method.0.temperature`: students by name, other items of lists by place. */
  path: string;
  values: unknown[];
}

/** Returns the fields that are not the same in all specs. Names and labels tell jobs apart anyway and are left out. */
export function specDifferences(specs: readonly JobSpecInput[]): SpecDifference[] {
  const flat = specs.map(
    (spec) => new Map(fieldsOf(spec).filter(([path]) => path !== 'name' && !path.startsWith('labels'))),
  );
  const paths = [...new Set(flat.flatMap((fields) => [...fields.keys()]))];
  return paths
    .map((path) => ({ path, values: flat.map((fields) => fields.get(path)) }))
    .filter(({ values }) => new Set(values.map((value) => JSON.stringify(value))).size > 1);
}

function fieldsOf(value: unknown, path: readonly string[] = []): [string, unknown][] {
  if (Array.isArray(value) && value.some((one) => typeof one === 'object'))
    return value.flatMap((one, i) => fieldsOf(one, [...path, nameOf(one) ?? String(i)]));
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return Object.entries(value).flatMap(([key, one]) => fieldsOf(one, [...path, key]));
  return [[path.join('.'), value]];
}

function nameOf(value: unknown): string | undefined {
  const { name } = (value ?? {}) as { name?: unknown };
  return typeof name === 'string' ? name : undefined;
}
