import { z } from 'zod';

/**
 * The relevant part of the output of Keras' `model.to_json()`. Versions 2 and 3 differ only in how they write edges.
 */

const model = z.looseObject({
  class_name: z.enum(['Sequential', 'Functional', 'Model']),
  config: z.looseObject({ layers: z.array(z.unknown()) }),
});

/** Returns the layers of a model; undefined if the value is not a model. */
export function layersOfModel(given: unknown): unknown[] | undefined {
  return model.safeParse(given).data?.config.layers;
}

export const kerasEntry = z.looseObject({
  class_name: z.string(),
  config: z.record(z.string(), z.unknown()).default({}),
  inbound_nodes: z.unknown().optional(),
});
export type KerasEntry = z.output<typeof kerasEntry>;

/** Properties that the config of every layer may have beside its options. */
export const common: Readonly<Record<string, z.ZodType>> = {
  name: z.unknown(),
  trainable: z.literal(true, { error: 'must be true: frozen layers are not supported' }),
  dtype: z.unknown(),
  batch_input_shape: z.unknown(),
  batch_shape: z.unknown(),
};

/** An edge in Keras 2: `["conv2d", 0, 0, {}]`. */
const edge = z.tuple([z.string(), z.int(), z.int()]).rest(z.unknown());
/** An edge in Keras 3: a tensor as an argument of a call. */
const tensor = z.looseObject({ config: z.looseObject({ keras_history: edge }) });
const call = z.looseObject({ args: z.array(z.unknown()) });

/**
 * Returns the names of the layers that a layer reads, in order; undefined if it lists none, as in a Sequential model.
 */
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

/** Counts the calls of a layer. A layer with several calls shares its weights. */
export function callsOf({ inbound_nodes: calls }: KerasEntry): number {
  return Array.isArray(calls) ? calls.length : 0;
}
