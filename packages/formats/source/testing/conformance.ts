import type { NetworkGraph } from '@distillery/spec';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Format, NamedTensor, Weights } from '../format.ts';

/** Bits, because NaN payloads and the sign of zero must survive too. */
const bitsOf = ({ data }: NamedTensor) => [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)];

const float32 = (name: string, shape: number[], data: Float32Array): NamedTensor => ({
  name,
  dtype: 'F32',
  shape,
  data,
});

const counted = (length: number) => Float32Array.from({ length }, (_, index) => index / 8 - 3);

/** A network that every format can write: a convolution and a linear layer. */
const graph: NetworkGraph = {
  version: 1,
  input: [3, 3, 3],
  nodes: [
    {
      op: 'conv',
      inputs: [0],
      shape: [1, 1, 4],
      name: 'conv1',
      kernel: 3,
      stride: 1,
      padding: 0,
      bias: true,
    },
    { op: 'flatten', inputs: [1], shape: [4] },
    { op: 'linear', inputs: [2], shape: [2], name: '9', bias: false },
    { op: 'linear', inputs: [2], shape: [2], name: '10', bias: false },
    { op: 'add', inputs: [3, 4], shape: [2] },
  ],
  output: 5,
  taps: { logits: 5 },
};

/** Weights as networks have them, with the numbers and shapes at the edges. Formats that write graphs take the first. */
const examples: Record<string, Weights> = {
  'a small network': {
    parameters: [
      float32('conv1.weight', [4, 3, 3, 3], counted(108)),
      float32('conv1.bias', [4], counted(4)),
      float32('10.weight', [2, 4], counted(8)),
      float32('9.weight', [2, 4], counted(8).reverse()),
    ],
    metadata: {
      format: 'pt',
      architecture: '{"type":"lightnn"}',
      classes: '["cat","dög"]',
      graph: JSON.stringify(graph),
    },
  },
  'no parameters': { parameters: [], metadata: { format: 'pt' } },
  'no metadata': { parameters: [float32('weight', [3], counted(3))], metadata: {} },
  'a scalar': { parameters: [float32('temperature', [], Float32Array.of(0.5))], metadata: {} },
  'an empty tensor': { parameters: [float32('none', [0, 4], new Float32Array(0))], metadata: {} },
  'numbers at the edges': {
    parameters: [
      float32('edges', [7], Float32Array.of(0, -0, 1e-45, 3.4028235e38, Infinity, -Infinity, Number.NaN)),
    ],
    metadata: {},
  },
  'views into larger buffers': {
    parameters: [float32('view', [2, 3], counted(9).subarray(2, 8))],
    metadata: {},
  },
  'a large kernel': {
    parameters: [float32('large', [256, 256, 3, 3], counted(256 * 256 * 9))],
    metadata: {},
  },
};

/** A part of a network that several libraries have under names of their own. */
const ofTransformer: Weights = {
  parameters: [float32('blocks.0.attn.qkv.bias', [3], counted(3)), float32('head.bias', [2], counted(2))],
  metadata: { architecture: '{"type":"vit"}' },
};

/**
 * The tests that every weight format must pass; call it from a test file.
 *
 * @param writes what a file holds: named tensors alone, or the network as a graph with its tensors
 */
export function describeFormat(format: Format, writes: 'tensors' | 'graphs' = 'tensors'): void {
  const written = Object.entries(examples).slice(0, writes === 'graphs' ? 1 : undefined);
  const encode = (weights: Weights, options = {}) => format.encode(weights, format.options.parse(options));

  describe(`the format ${format.type}`, () => {
    test('has a name for URLs, a media type and a file extension', () => {
      expect(format.type).toMatch(/^[a-z][a-z0-9_]*$/);
      expect(format.mediaType).toMatch(/^[a-z]+\/[a-z0-9.+-]+$/);
      expect(format.extension).toMatch(/^[a-z0-9]+(\.[a-z0-9]+)*$/);
      expect(format.summary).not.toBe('');
    });

    test.each(written)('gives the same bytes for the same weights: %s', (_, weights) => {
      const bytes = encode(weights);
      const { parameters, metadata } = weights;
      const copy = parameters.map((one) => ({ ...one, data: one.data.slice() }));
      const reversed = Object.fromEntries(Object.entries(metadata).reverse());
      expect(sameBytes(encode({ parameters: copy, metadata: reversed }), bytes)).toBe(true);
    });

    test('gives other bytes for other names, values, shapes and metadata', () => {
      const [weight, ...rest] = examples['a small network'].parameters;
      const { metadata } = examples['a small network'];
      const value = weight.data.slice() as Float32Array;
      value[50] += 1;
      const renamed = (text: string) => text.replace('conv1', 'conv2');
      const variants: Weights[] = [
        { parameters: [weight, ...rest], metadata },
        {
          parameters: [weight, ...rest].map((one) => ({ ...one, name: renamed(one.name) })),
          metadata: { ...metadata, graph: renamed(metadata.graph) },
        },
        { parameters: [{ ...weight, data: value }, ...rest], metadata },
        { parameters: [{ ...weight, shape: [4, 3, 9, 1] }, ...rest], metadata },
        { parameters: [weight, ...rest], metadata: { ...metadata, classes: '["dog"]' } },
      ];
      const files = variants.map((variant) => Buffer.from(encode(variant)).toString('base64'));
      expect(new Set(files).size).toBe(variants.length);
    });

    test('leaves the weights as they are', () => {
      const weights = writes === 'graphs' ? examples['a small network'] : examples['numbers at the edges'];
      const before = weights.parameters.map(bitsOf);
      encode(weights);
      expect(weights.parameters.map(bitsOf)).toEqual(before);
    });

    test('gives other bytes for other options', () => {
      const { properties = {} } = z.toJSONSchema(format.options, { io: 'input' });
      const [, weights] = written[0];
      for (const [name, field] of Object.entries(properties)) {
        const choices = (field as { enum?: string[] }).enum ?? [];
        const described =
          name === 'names' ? ofTransformer : { ...weights, metadata: { ...weights.metadata, ...ofImages } };
        const files = choices.map((choice) =>
          Buffer.from(encode(described, { [name]: choice })).toString('base64'),
        );
        expect(new Set(files).size).toBe(choices.length);
      }
    });

    const { decode } = format;
    if (decode === undefined) return;

    test.each(Object.entries(examples))('reads back what it wrote: %s', (_, weights) => {
      const read = decode(encode(weights));
      expect(read.metadata).toEqual(weights.metadata);
      expect(read.parameters.map(({ data: _data, ...described }) => described)).toEqual(
        weights.parameters.map(({ data: _data, ...described }) => described),
      );
      for (const [index, parameter] of weights.parameters.entries()) {
        const { data } = read.parameters[index];
        expect(data.constructor).toBe(parameter.data.constructor);
        expect(sameBytes(data, parameter.data)).toBe(true);
      }
    });

    test('refuses bytes that are not such a file', () => {
      const bytes = encode(examples['a small network']);
      for (const broken of [new Uint8Array(0), bytes.subarray(0, 4), bytes.subarray(0, bytes.length - 1)]) {
        expect(() => decode(broken)).toThrow(expect.objectContaining({ code: 'artifact_corrupt' }));
      }
    });
  });
}

/** The metadata of a network for images that name how they are normalised. */
const ofImages = { normalization: JSON.stringify({ mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4] }) };

function sameBytes(a: NamedTensor['data'], b: NamedTensor['data']): boolean {
  const [one, other] = [a, b].map((view) => Buffer.from(view.buffer, view.byteOffset, view.byteLength));
  return one.equals(other);
}
