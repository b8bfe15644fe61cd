import { describe, expect, test } from 'vitest';
import type { NamedTensor } from '../format.ts';
import { decodeSafetensors, encodeSafetensors } from './codec.ts';

const example: NamedTensor[] = [
  { name: 'weight', dtype: 'F32', shape: [2, 2], data: Float32Array.of(1, -2, 3.5, Number.NaN) },
  { name: 'mask', dtype: 'U8', shape: [3], data: Uint8Array.of(1, 0, 255) },
  { name: '10', dtype: 'F16', shape: [1, 2], data: Uint16Array.of(0x3c00, 0xc000) },
  { name: 'scalar', dtype: 'I32', shape: [], data: Int32Array.of(-7) },
  { name: 'empty', dtype: 'F32', shape: [0, 4], data: new Float32Array(0) },
  { name: '9', dtype: 'I64', shape: [1], data: BigInt64Array.of(-(2n ** 62n)) },
  { name: 'ünï "quoted"\n', dtype: 'BF16', shape: [1], data: Uint16Array.of(0x3f80) },
  { name: '__proto__', dtype: 'U8', shape: [1], data: Uint8Array.of(3) },
];

describe('encodeSafetensors', () => {
  test('gives the bytes of the format', () => {
    const tensors: NamedTensor[] = [{ name: 'a', dtype: 'U8', shape: [2], data: Uint8Array.of(5, 6) }];
    const header = '{"__metadata__":{"b":"2","c":"1"},"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}  ';
    expect(header.length % 8).toBe(0);
    const bytes = encodeSafetensors(tensors, { c: '1', b: '2' });
    expect([...bytes.subarray(0, 8)]).toEqual([header.length, 0, 0, 0, 0, 0, 0, 0]);
    expect(Buffer.from(bytes.subarray(8, -2)).toString()).toBe(header);
    expect([...bytes.subarray(-2)]).toEqual([5, 6]);
  });

  test('gives the same bytes for the same input, and starts the data at a multiple of 8', () => {
    const bytes = encodeSafetensors(example, { framework: 'distillery', epoch: '3' });
    expect(encodeSafetensors(example, { epoch: '3', framework: 'distillery' })).toEqual(bytes);
    for (let length = 1; length < 9; length++) {
      const one = encodeSafetensors([
        { name: 'x'.repeat(length), dtype: 'U8', shape: [0], data: new Uint8Array(0) },
      ]);
      expect(one.length % 8).toBe(0);
    }
  });

  test('takes views into larger buffers', () => {
    const data = Float32Array.of(0, 1, 2, 3).subarray(1, 3);
    const bytes = encodeSafetensors([{ name: 'a', dtype: 'F32', shape: [2], data }]);
    expect(decodeSafetensors(bytes).tensors.get('a')!.data).toEqual(Float32Array.of(1, 2));
  });

  const one = { name: 'a', dtype: 'F32', shape: [1], data: new Float32Array(1) } as const;
  test.each<[string, unknown[], Record<string, string>, string]>([
    ['a name twice', [one, one], {}, 'the name a is reserved or used twice'],
    [
      'the reserved name',
      [{ ...one, name: '__metadata__' }],
      {},
      'the name __metadata__ is reserved or used twice',
    ],
    ['an unknown type', [{ ...one, dtype: 'F8' }], {}, 'the tensor a has the unknown element type F8'],
    [
      'an inherited type',
      [{ ...one, dtype: 'toString' }],
      {},
      'the tensor a has the unknown element type toString',
    ],
    ['another array', [{ ...one, dtype: 'I32' }], {}, 'the tensor a is I32, which needs a Int32Array'],
    [
      'another shape',
      [{ ...one, shape: [2] }],
      {},
      'the tensor a has 1 elements, which do not fit the shape [2]',
    ],
    [
      'half a shape',
      [{ ...one, shape: [0.5, 2] }],
      {},
      'the tensor a has 1 elements, which do not fit the shape [0.5,2]',
    ],
    [
      'other metadata',
      [],
      { epoch: 3 as unknown as string },
      'the metadata epoch is number; the format keeps strings only',
    ],
    ['a huge header', [], { x: 'x'.repeat(100_000_000) }, 'the header is longer than 100000000 bytes'],
  ])('refuses %s', (_, tensors, metadata, message) => {
    expect(() => encodeSafetensors(tensors as NamedTensor[], metadata)).toThrow(new RangeError(message));
  });
});

describe('decodeSafetensors', () => {
  test.each([0, 1, 4])('reads back what was written, at an offset of %i bytes', (offset) => {
    const bytes = encodeSafetensors(example, { framework: 'distillery' });
    const shifted = new Uint8Array(bytes.length + offset).subarray(offset);
    shifted.set(bytes);
    const { tensors, metadata } = decodeSafetensors(shifted);
    expect(metadata).toEqual({ framework: 'distillery' });
    expect([...tensors].map(([name, tensor]) => ({ name, ...tensor }))).toEqual(example);
  });

  test('views the bytes where they are aligned', () => {
    const bytes = encodeSafetensors(example.slice(0, 1));
    expect(decodeSafetensors(bytes).tensors.get('weight')!.data.buffer).toBe(bytes.buffer);
  });

  test('reads no tensors', () => {
    expect(decodeSafetensors(file('{}'))).toEqual({ tensors: new Map(), metadata: {} });
  });

  test('reads tensors whose data are in another order than the header', () => {
    const { tensors } = decodeSafetensors(
      file(`{"b":${entry('U8', [1], [1, 2])},"a":${entry('U8', [1], [0, 1])}}`, 2),
    );
    expect([...tensors.keys()]).toEqual(['b', 'a']);
  });

  test('reads a header with strings that look like structure', () => {
    const metadata = { 'a"b': '{"x":1,"x":2}', brackets: ']}', backslash: '\\', long: 'x'.repeat(1_000_000) };
    expect(decodeSafetensors(encodeSafetensors(example, metadata))).toMatchObject({ metadata });
  });

  const header = (length: bigint, rest = 0) => {
    const bytes = new Uint8Array(8 + rest);
    new DataView(bytes.buffer).setBigUint64(0, length, true);
    return bytes;
  };
  test.each([
    ['nothing', new Uint8Array(7), /^not a valid safetensors file: it has 7 bytes, fewer than the 8/],
    ['a huge header', header(100_000_001n), /claims 100000001 bytes; 100000000 are allowed/],
    ['an absurd header', header(2n ** 64n - 1n), /claims 18446744073709551615 bytes; 100000000/],
    ['a cut header', header(10n, 9), /claims 10 bytes of 9 that follow/],
    ['no JSON', file('{"a":'), /header is not JSON in UTF-8/],
    ['an empty header', file(''), /header is not JSON in UTF-8/],
    [
      'no UTF-8',
      file(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d)),
      /header is not JSON in UTF-8/,
    ],
    ['a byte order mark', file('\uFEFF{}'), /header is not JSON in UTF-8/],
    ['a leading space', file(' {}'), /header does not start with \{/],
    ['an array', file('[]'), /header does not start with \{/],
    [
      'a name twice',
      file(`{"a":${entry('U8', [0], [0, 0])},"a":${entry('U8', [0], [0, 0])}}`),
      /the key a twice/,
    ],
    ['an escaped name twice', file(`{"a":${entry('U8', [0], [0, 0])},"\\u0061" :1}`), /the key a twice/],
    [
      'a field twice',
      file('{"a":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}}'),
      /the key dtype twice/,
    ],
    ['metadata of numbers', file('{"__metadata__":{"a":1}}'), /__metadata__ is not an object of strings/],
    ['metadata in a list', file('{"__metadata__":["a"]}'), /__metadata__ is not an object of strings/],
    ['a tensor that is none', file('{"a":null}'), /the tensor a is not described by an object/],
    [
      'an unknown type',
      file(`{"a":${entry('F8_E4M3', [0], [0, 0])}}`),
      /the element type "F8_E4M3"; we read F32, F16/,
    ],
    ['an inherited type', file(`{"a":${entry('valueOf', [0], [0, 0])}}`), /the element type "valueOf"/],
    ['a negative shape', file(`{"a":${entry('U8', [-1], [0, 0])}}`), /has the shape \[-1\]/],
    [
      'a huge shape',
      file(`{"a":${entry('U8', [2 ** 40, 2 ** 40], [0, 0])}}`),
      /has the shape \[1099511627776,/,
    ],
    ['no shape', file(`{"a":${entry('U8', 1, [0, 0])}}`), /has the shape 1/],
    ['no offsets', file(`{"a":${entry('U8', [0], [0])}}`), /has the offsets \[0\]; two whole numbers/],
    ['half offsets', file(`{"a":${entry('U8', [0], [0.5, 0.5])}}`), /has the offsets \[0\.5,0\.5\]/],
    ['negative offsets', file(`{"a":${entry('U8', [1], [-1, 0])}}`, 1), /is at -1-0, outside the 1 bytes/],
    ['backward offsets', file(`{"a":${entry('U8', [0], [1, 0])}}`, 1), /is at 1-0/],
    ['offsets past the end', file(`{"a":${entry('U8', [2], [0, 2])}}`, 1), /is at 0-2, outside the 1 bytes/],
    [
      'too few bytes',
      file(`{"a":${entry('F32', [2], [0, 4])}}`, 4),
      /the tensor a of 2 F32 elements has 4 bytes/,
    ],
    [
      'an overlap',
      file(`{"a":${entry('U8', [2], [0, 2])},"b":${entry('U8', [2], [1, 3])}}`, 3),
      /the tensor b overlaps the one before it/,
    ],
    [
      'a hole',
      file(`{"a":${entry('U8', [1], [0, 1])},"b":${entry('U8', [1], [3, 4])}}`, 4),
      /2 bytes before the tensor b belong to none/,
    ],
    [
      'trailing bytes',
      file(`{"a":${entry('U8', [1], [0, 1])}}`, 4),
      /3 bytes after the last tensor belong to none/,
    ],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => decodeSafetensors(bytes)).toThrow(
      expect.objectContaining({ code: 'artifact_corrupt', message: expect.stringMatching(message) }),
    );
  });
});

/** A file with any header, and so many bytes of data. */
function file(header: string | Uint8Array, dataLength = 0): Uint8Array {
  const json = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + json.length + dataLength);
  bytes[0] = json.length;
  bytes.set(json, 8);
  return bytes;
}

function entry(dtype: string, shape: unknown, offsets: number[]): string {
  return JSON.stringify({ dtype, shape, data_offsets: offsets });
}
