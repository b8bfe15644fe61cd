import { z } from 'zod';
import { image, type Layer, type Misfit, misfits, nodesOf } from './graph.ts';
import { callsOf, common, inputsOf, type KerasEntry, kerasEntry, layersOfModel } from './keras.ts';
import { layerKinds } from './kinds.ts';
import type { LayerKind } from './layer-kind.ts';

const maximumLayers = 512;

/** The name of a layer, which becomes part of file names and of names of parameters. */
const name = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/,
    'must have 1 to 64 letters, digits, "-" or "_", and start with a letter or digit',
  );
const placed = z.object({ name: name.optional(), inputs: z.array(z.string()).min(1).max(64).optional() });

type Path = (string | number)[];
type Issues = z.core.ParsePayload['issues'];

/** The readable form, which the catalogue shows. */
const readable = z.union(
  layerKinds.map((kind) => kind.options.extend({ layer: z.literal(kind.layer), ...placed.shape })),
);
const { $schema: _, ...readableSchema } = z.toJSONSchema(readable, { io: 'input' });

/**
 * The schema of a list of layers. It accepts the readable form, `{"layer": "conv2d", "name": "c1", "filters": 32,
 * "kernel_size": 3}`, Keras' form, `{"class_name": "Conv2D", "config": {…}}`, and a complete sequential or functional
 * model as Keras' `model.to_json()` writes it. Its output is in the readable form, with defaults filled in.
 */
export const layerList = z
  .unknown()
  .transform((given, context): Layer[] => {
    const { issues } = context as unknown as { issues: Issues };
    const model = layersOfModel(given);
    const entries = Array.isArray(given) ? (given as unknown[]) : model;
    const at: Path = model === undefined ? [] : ['config', 'layers'];
    if (entries === undefined || entries.length < 1 || entries.length > maximumLayers) {
      const message = `must be a list of 1 to ${maximumLayers} layers, or the output of model.to_json() in Keras`;
      issues.push({ code: 'custom', path: at, message, input: given });
      return z.NEVER;
    }
    // Keras' input layers compute nothing, and the data set determines the shape.
    const inputs = entries.filter(isInput).map(nameOf);
    const kept = entries.flatMap((entry, index) => (isInput(entry) ? [] : [{ entry, path: [...at, index] }]));
    const layers = kept.map(({ entry, path }) => layerOf(entry, path, inputs, issues));
    if (issues.length > 0) return z.NEVER;
    const complete = layers.filter((layer) => layer !== undefined);
    for (const { index, key, message, allowed } of misfits(nodesOf(complete))) {
      const path = [...kept[index].path, ...placeOf(kept[index].entry, key)];
      issues.push(
        allowed === undefined
          ? { code: 'custom', path, message, input: given }
          : { code: 'invalid_value', values: allowed, path, message, input: given },
      );
    }
    return complete;
  })
  .meta({
    description: `Layers from the input on (${layerKinds.map(({ layer }) => layer).join(', ')}) with the options of Keras, or the output of model.to_json() in Keras. BatchNorm always has the momentum 0.1 and the epsilon 1e-5 of PyTorch.`,
    anyOf: [
      { type: 'array', items: readableSchema },
      {
        type: 'object',
        required: ['class_name', 'config'],
        properties: {
          class_name: { type: 'string' },
          config: { type: 'object', additionalProperties: true },
        },
        additionalProperties: true,
      },
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

/**
 * Parses one entry in either form.
 *
 * @param images the names that Keras gives the image
 */
function layerOf(entry: unknown, path: Path, images: unknown[], issues: Issues): Layer | undefined {
  const keras = kerasEntry.safeParse(entry).data;
  if (keras !== undefined) return kerasLayer(keras, path, images, issues);
  const readableEntry = z.record(z.string(), z.unknown()).safeParse(entry).data;
  const kind = layerKinds.find(({ layer }) => layer === readableEntry?.layer);
  if (readableEntry === undefined || kind === undefined) {
    return unknownLayer([...path, 'layer'], ({ layer }) => layer, issues);
  }
  const { layer: _layer, name: given, inputs, ...options } = readableEntry;
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
    const message = 'the layer is called more than once: shared weights are not supported';
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

/** Parses a value and adds its errors to the issues; undefined if it is invalid. */
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
    const message = `is not an option of ${called}: the options are ${allowed.join(', ') || 'none'}`;
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
