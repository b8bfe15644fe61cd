import { z } from 'zod';
import { image, type Layer, type Misfit, misfits, nodesOf } from './graph.ts';
import { callsOf, common, inputsOf, type KerasEntry, kerasEntry, layersOfModel } from './keras.ts';
import { layerKinds } from './kinds.ts';
import type { LayerKind } from './layer-kind.ts';

const maximumLayers = 512;

/** Stands in file names and in the names of parameters. */
const name = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/,
    'must be 1-64 of letters, digits, - and _, not beginning with - or _',
  );
const placed = z.object({ name: name.optional(), inputs: z.array(z.string()).min(1).max(64).optional() });

type Path = (string | number)[];
type Issues = z.core.ParsePayload['issues'];

/** The form without Keras' wrapping, for the catalogue. */
const readable = z.union(
  layerKinds.map((kind) => kind.options.extend({ layer: z.literal(kind.layer), ...placed.shape })),
);
const { $schema: _, ...readableSchema } = z.toJSONSchema(readable, { io: 'input' });

/**
 * A list of layers in the readable form, `{"layer": "conv2d", "name": "c1", "filters": 32, "kernel_size": 3}`, in Keras'
 * own, `{"class_name": "Conv2D", "config": {…}}`, or a whole model as Keras' `model.to_json()` writes it, sequential or
 * functional. What comes out is in the readable form, with defaults filled in.
 */
export const layerList = z
  .unknown()
  .transform((given, context): Layer[] => {
    const { issues } = context as unknown as { issues: Issues };
    const model = layersOfModel(given);
    const entries = Array.isArray(given) ? (given as unknown[]) : model;
    const at: Path = model === undefined ? [] : ['config', 'layers'];
    if (entries === undefined || entries.length < 1 || entries.length > maximumLayers) {
      const message = `must be a list of 1 to ${maximumLayers} layers, or a model as Keras' to_json() writes it`;
      issues.push({ code: 'custom', path: at, message, input: given });
      return z.NEVER;
    }
    // Keras' input layers compute nothing; the data set has a shape of its own.
    const inputs = entries.filter(isInput).map(nameOf);
    const kept = entries.flatMap((entry, index) => (isInput(entry) ? [] : [{ entry, path: [...at, index] }]));
    const layers = kept.map(({ entry, path }) => layerOf(entry, path, inputs, issues));
    if (issues.length > 0) return z.NEVER;
    const whole = layers.filter((layer) => layer !== undefined);
    for (const { index, key, message, allowed } of misfits(nodesOf(whole))) {
      const path = [...kept[index].path, ...placeOf(kept[index].entry, key)];
      issues.push(
        allowed === undefined
          ? { code: 'custom', path, message, input: given }
          : { code: 'invalid_value', values: allowed, path, message, input: given },
      );
    }
    return whole;
  })
  .meta({
    description: `layers from the input on (${layerKinds.map(({ layer }) => layer).join(', ')}) with Keras' options, or a model as its to_json() writes it; BatchNorm has a momentum of .1 and an epsilon of 1e-5, whatever that says`,
    anyOf: [
      { type: 'array', items: readableSchema },
      { type: 'object', required: ['class_name', 'config'] },
    ],
  });

function isInput(entry: unknown): boolean {
  return kerasEntry.safeParse(entry).data?.class_name === 'InputLayer';
}

function nameOf(entry: unknown): unknown {
  return kerasEntry.safeParse(entry).data?.config.name;
}

function placeOf(entry: unknown, key: Misfit['key']): Path {
  if (key === undefined) return [];
  if (kerasEntry.safeParse(entry).data === undefined) return [key];
  return key === 'name' ? ['config', 'name'] : ['inbound_nodes'];
}

/** @param images Keras' names of the image */
function layerOf(entry: unknown, path: Path, images: unknown[], issues: Issues): Layer | undefined {
  const keras = kerasEntry.safeParse(entry).data;
  if (keras !== undefined) return kerasLayer(keras, path, images, issues);
  const plain = z.record(z.string(), z.unknown()).safeParse(entry).data;
  const kind = layerKinds.find(({ layer }) => layer === plain?.layer);
  if (plain === undefined || kind === undefined) {
    return unknownLayer([...path, 'layer'], ({ layer }) => layer, issues);
  }
  const { layer: _layer, name: given, inputs, ...options } = plain;
  const place = checked(placed, { name: given, inputs }, path, issues);
  refuseUnknown(Object.keys(options), kind, kind.layer, path, issues);
  return { layer: kind.layer, ...defined(place), ...checked(kind.options, options, path, issues) };
}

function kerasLayer(entry: KerasEntry, path: Path, images: unknown[], issues: Issues): Layer | undefined {
  const { class_name: className, config } = entry;
  const kind = layerKinds.find((known) => known.className === className);
  if (kind === undefined) return unknownLayer([...path, 'class_name'], (known) => known.className, issues);
  const at = [...path, 'config'];
  const neutral = { ...common, ...kind.neutral };
  const options: Record<string, unknown> = {};
  const unknown: string[] = [];
  for (const [key, value] of Object.entries(config)) {
    if (Object.hasOwn(kind.options.shape, key)) options[key] = value;
    else if (Object.hasOwn(neutral, key)) checked(neutral[key], value, [...at, key], issues);
    else if (value !== null) unknown.push(key);
  }
  refuseUnknown(unknown, kind, className, at, issues);
  if (callsOf(entry) > 1) {
    const message = 'a layer that is called more than once, sharing its weights, cannot be had';
    issues.push({ code: 'custom', path: [...path, 'inbound_nodes'], message, input: entry });
  }
  const inputs = inputsOf(entry)?.map((input) => (images.includes(input) ? image : input));
  const place = checked(placed, { name: config.name }, at, issues);
  return {
    layer: kind.layer,
    ...defined({ ...place, inputs }),
    ...checked(kind.options, options, at, issues),
  };
}

/** The parsed value; what is wrong with it is added to the issues. */
function checked<T extends z.ZodType>(
  schema: T,
  value: unknown,
  path: Path,
  issues: Issues,
): z.output<T> | undefined {
  const { data, error } = schema.safeParse(value);
  for (const issue of error?.issues ?? []) {
    if (issue.code === 'unrecognized_keys') continue;
    issues.push({ ...issue, path: [...path, ...issue.path], input: value } as Issues[number]);
  }
  return data;
}

function refuseUnknown(keys: string[], kind: LayerKind, called: string, path: Path, issues: Issues): void {
  const allowed = Object.keys(kind.options.shape);
  for (const key of keys.filter((given) => !allowed.includes(given))) {
    const message = `is not an option of ${called}, which has ${allowed.join(', ') || 'none'}`;
    issues.push({ code: 'custom', path: [...path, key], message, input: key });
  }
}

function unknownLayer(path: Path, called: (kind: LayerKind) => string, issues: Issues): undefined {
  const values = layerKinds.map(called);
  const message = `must be one of: ${values.join(', ')}`;
  issues.push({ code: 'invalid_value', values, path, message, input: undefined });
  return undefined;
}

function defined(fields: object = {}): { name?: string; inputs?: string[] } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
