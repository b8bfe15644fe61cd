import type { NetworkPlan } from '@distillery/engine';
import type { CatalogueEntry } from '@distillery/spec';

export interface Variant {
  options: Record<string, unknown>;
  plan: NetworkPlan;
}

interface Schema {
  type?: string;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
}

/** Options of whole numbers up to here are sizes of a family: the smallest, the default and the largest are shown. */
const family = 10;

/**
 * Lists the variants of an architecture: every combination of the options that list their values or span a few whole
 * numbers, provided that the option changes the size of the network.
 *
 * @param planOf returns undefined for options that cannot be combined
 */
export function variantsOf(
  { options, defaults }: CatalogueEntry,
  planOf: (options: object) => NetworkPlan | undefined,
): Variant[] {
  const { properties } = options as { properties: Record<string, Schema> };
  const sizes = ({ parameterCount, flops }: NetworkPlan) => `${parameterCount} ${flops}`;
  const axes = Object.entries(properties)
    .map(([name, schema]) => [name, valuesOf(schema, defaults[name])] as const)
    .filter(([name, values]) => {
      const plans = values.flatMap((value) => planOf({ [name]: value }) ?? []);
      return new Set(plans.map(sizes)).size > 1;
    });
  let combinations: Record<string, unknown>[] = [{}];
  for (const [name, values] of axes) {
    combinations = combinations.flatMap((chosen) => values.map((value) => ({ ...chosen, [name]: value })));
  }
  return combinations.flatMap((chosen) => {
    const plan = planOf(chosen);
    return plan === undefined ? [] : [{ options: chosen, plan }];
  });
}

function valuesOf(
  { type, enum: listed, minimum = 0, maximum = Infinity }: Schema,
  usual: unknown,
): unknown[] {
  if (listed !== undefined) return listed;
  if (type === 'boolean') return [false, true];
  if (type === 'integer' && maximum <= family) return [...new Set([minimum, usual, maximum])];
  return [];
}
