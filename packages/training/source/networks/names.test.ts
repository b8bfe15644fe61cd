import { readFileSync } from 'node:fs';
import { initialValues, trace } from '@distillery/engine';
import { formats, type NamedTensor, safetensors, type Weights } from '@distillery/formats';
import { architectures, bind } from '@distillery/models';
import { DistilleryError } from '@distillery/spec';
import { expect, test } from 'vitest';
import { encodeWeights } from '../weights.ts';
import { bringNetwork } from './bring-network.ts';

/** The names and shapes of the network in each library, as its own code lists them. */
const fixture = (library: string) =>
  JSON.parse(readFileSync(new URL(`testing/${library}-vit.json`, import.meta.url), 'utf8')) as Record<
    string,
    number[]
  >;

const architecture = architectures.schema.parse({ type: 'vit', patch: 8, width: 12, depth: 2, heads: 2 });
const described = {
  architecture,
  classes: Array.from({ length: 10 }, (_, index) => `class ${index}`),
  input: [32, 32, 3] as [number, number, number],
  normalization: { mean: [0, 0, 0], std: [1, 1, 1] },
};
const { parameters } = trace(bind(architectures.get('vit'), architecture, { classes: 10 }), described.input);
const metadata = { architecture: JSON.stringify(architecture) };
const ours = safetensors.decode(encodeWeights(parameters, initialValues(parameters, 3), metadata));

const shapesOf = (tensors: readonly NamedTensor[]) =>
  Object.fromEntries(tensors.map(({ name, shape }) => [name, [...shape]]));
const valuesOf = (tensors: readonly NamedTensor[]) =>
  Object.fromEntries(tensors.map(({ name, data }) => [name, [...data]]));
const encoded = (format: string, weights: Weights, names: string) => {
  const kind = formats.get(format);
  return kind.encode(weights, kind.options.parse({ names }));
};
const refusal = (tensors: readonly NamedTensor[]) => {
  try {
    bringNetwork(safetensors.encode({ parameters: tensors, metadata: {} }), described);
  } catch (error) {
    if (error instanceof DistilleryError) return error.fields;
    throw error;
  }
  return [];
};

test.each([
  ['safetensors', 'torchvision'],
  ['torch', 'torchvision'],
  ['safetensors', 'huggingface'],
  ['torch', 'huggingface'],
])('%s has the names and shapes of %s, and is read back as it was', (format, library) => {
  const bytes = encoded(format, ours, library);
  const theirs = formats.get(format).decode?.(bytes).parameters ?? [];
  expect(shapesOf(theirs)).toEqual(fixture(library));
  const { file } = bringNetwork(bytes, described);
  expect(valuesOf(safetensors.decode(file).parameters)).toEqual(valuesOf(ours.parameters));
});

test('queries, keys and values are parts of one parameter, in this order', () => {
  const theirs = safetensors.decode(encoded('safetensors', ours, 'huggingface')).parameters;
  const part = (name: string) => [...(theirs.find((tensor) => tensor.name === name)?.data ?? [])];
  const own = ours.parameters.find(({ name }) => name === 'blocks.1.attn.qkv.weight');
  const prefix = 'vit.encoder.layer.1.attention.attention';
  expect(
    [part(`${prefix}.query.weight`), part(`${prefix}.key.weight`), part(`${prefix}.value.weight`)].flat(),
  ).toEqual([...(own?.data ?? [])]);
});

test('what does not fit is refused by both names', () => {
  const { parameters: theirs } = safetensors.decode(encoded('safetensors', ours, 'torchvision'));
  const changed = theirs
    .filter(({ name }) => name !== 'heads.head.bias')
    .map((tensor) => (tensor.name === 'class_token' ? { ...tensor, shape: [1, 2, 6] } : tensor));
  const extra = {
    name: 'heads.pre_logits.weight',
    dtype: 'F32' as const,
    shape: [1],
    data: Float32Array.of(1),
  };
  expect(refusal([...changed, extra])).toEqual([
    {
      path: '/weights/cls_token',
      message: 'has the shape [1,2,6] (in the names of torchvision: class_token), expected [1,1,12]',
      value: [1, 2, 6],
    },
    {
      path: '/weights/head.bias',
      message: 'is missing (in the names of torchvision: heads.head.bias), expected [10]',
    },
    { path: '/weights/heads.pre_logits.weight', message: 'belongs to no layer of the network' },
  ]);
});

test('a network that a library does not have is refused by name', () => {
  const weights = { parameters: [], metadata: { architecture: '{"type":"lightnn"}' } };
  expect(() => encoded('safetensors', weights, 'torchvision')).toThrow(
    /^lightnn has no names of torchvision, which has those of: (\w+, )*vit\b/,
  );
  const extended = { ...ours, parameters: [{ ...ours.parameters[0], name: 'projector.0.weight' }] };
  expect(() => encoded('torch', extended, 'huggingface')).toThrow(
    'huggingface has no name for projector.0.weight of vit',
  );
});
