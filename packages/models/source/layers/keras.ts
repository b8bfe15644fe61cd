import { z } from 'zod';

/** What `model.to_json()` of Keras writes, as far as it matters here. Versions 2 and 3 differ in their edges alone. */

const model = z.looseObject({
  class_name: z.enum(['Sequential', 'Functional', 'Model']),
  config: z.looseObject({ layers: z.array(z.unknown()) }),
});

/** The layers of a whole model; undefined for anything else. */
export function layersOfModel(given: unknown): unknown[] | undefined {
  return model.safeParse(given).data?.config.layers;
}

export const kerasEntry = z.looseObject({
  class_name: z.string(),
  config: z.record(z.string(), z.unknown()).default({}),
  inbound_nodes: z.unknown().optional(),
});
export type KerasEntry = z.output<typeof kerasEntry>;

/** What every layer's config may hold beside its options. */
export const common: Readonly<Record<string, z.ZodType>> = {
  name: z.unknown(),
  trainable: z.literal(true, { error: 'must be true: every layer is trained' }),
  dtype: z.unknown(),
  batch_input_shape: z.unknown(),
  batch_shape: z.unknown(),
};

/** Keras 2: `["conv2d", 0, 0, {}]`. */
const edge = z.tuple([z.string(), z.int(), z.int()]).rest(z.unknown());
/** Keras 3: a tensor in the place of an argument. */
const tensor = z.looseObject({ config: z.looseObject({ keras_history: edge }) });
const call = z.looseObject({ args: z.array(z.unknown()) });

/** Names of the layers that one reads, in order; undefined for one that says nothing of it, as in a Sequential. */
export function inputsOf({ inbound_nodes: calls }: KerasEntry): string[] | undefined {
  const names = collect(calls, 8);
  return names.length === 0 ? undefined : names;
}

function collect(given: unknown, depth: number): string[] {
  if (depth === 0) return [];
  const one = edge.safeParse(given).data ?? tensor.safeParse(given).data?.config.keras_history;
  if (one !== undefined) return [one[0]];
  const inner = Array.isArray(given) ? given : (call.safeParse(given).data?.args ?? []);
  return inner.flatMap((part) => collect(part, depth - 1));
}

/** How often a layer is called: one that is shared has its weights in several places. */
export function callsOf({ inbound_nodes: calls }: KerasEntry): number {
  return Array.isArray(calls) ? calls.length : 0;
}
