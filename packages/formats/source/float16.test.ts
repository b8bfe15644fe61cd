import { describe, expect, test } from 'vitest';
import { fromFloat16, toFloat16 } from './float16.ts';

const patterns = Uint16Array.from({ length: 65536 }, (_, pattern) => pattern);

/** The value of a binary16 pattern by its definition (IEEE 754-2019, 3.4). */
function valueOf(pattern: number): number {
  const sign = pattern & 0x8000 ? -1 : 1;
  const exponent = (pattern >> 10) & 31;
  const fraction = pattern & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** Rounds by looking for the two finite neighbours: slow, and exact because doubles hold all distances. */
function nearest(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = Object.is(value, -0) || value < 0 ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  let low = 0;
  let high = 0x7c00;
  // Positive patterns ascend with their values; infinity stands for 65,536, the value that would come next.
  const at = (pattern: number) => (pattern === 0x7c00 ? 65536 : valueOf(pattern));
  if (magnitude >= 65536) return sign | 0x7c00;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (at(middle) <= magnitude) low = middle;
    else high = middle;
  }
  const [down, up] = [magnitude - at(low), at(high) - magnitude];
  const pattern = down < up || (down === up && low % 2 === 0) ? low : high;
  return sign | pattern;
}

describe('fromFloat16', () => {
  test('gives every pattern its value', () => {
    const values = fromFloat16(patterns);
    const wrong = patterns.filter((pattern) => !Object.is(values[pattern], valueOf(pattern)));
    expect([...wrong]).toEqual([]);
  });

  test('writes to a given array, from its start', () => {
    const out = new Float32Array(4).fill(9).subarray(1);
    expect(fromFloat16(Uint16Array.of(0x3c00, 0xc000), out)).toBe(out);
    expect([...out]).toEqual([1, -2, 9]);
  });

  test('refuses an array that is too short', () => {
    expect(() => fromFloat16(new Uint16Array(3), new Float32Array(2))).toThrow(
      new RangeError('out holds 2 elements, fewer than the 3 to widen'),
    );
  });
});

describe('toFloat16', () => {
  test('gives every pattern back, NaN payloads included', () => {
    expect(toFloat16(fromFloat16(patterns))).toEqual(patterns);
  });

  test('rounds to the nearest, ties to even, around every value and every midpoint', () => {
    const points: number[] = [];
    for (let pattern = 0; pattern < 0x7c00; pattern++) {
      const value = valueOf(pattern);
      const next = pattern === 0x7bff ? 65536 : valueOf(pattern + 1);
      points.push(value, (value + next) / 2);
    }
    const floats = Float32Array.from(points);
    const bits = new Uint32Array(floats.buffer);
    // The float32 just below and above each, too; below zero there is nothing.
    const around = Uint32Array.from([
      ...bits,
      ...bits.map((word) => word + 1),
      ...bits.slice(1).map((word) => word - 1),
    ]);
    const positive = new Float32Array(around.buffer);
    check(positive);
    check(positive.map((value) => -value));
  });

  test('rounds bits of all kinds', () => {
    const bits = new Uint32Array(300_000);
    let state = 1;
    // xorshift32 (Marsaglia, 2003): reaches NaNs, infinities and subnormals alike.
    for (let index = 0; index < bits.length; index++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      bits[index] = state;
    }
    check(new Float32Array(bits.buffer));
  });

  test.each([
    [65504, 0x7bff],
    [65519.996, 0x7bff],
    [65520, 0x7c00],
    [3.4e38, 0x7c00],
    [Number.NEGATIVE_INFINITY, 0xfc00],
    [2 ** -24, 0x0001],
    [2 ** -25, 0x0000],
    [-(2 ** -25), 0x8000],
    [2 ** -25 * 1.0000001, 0x0001],
    [1e-45, 0x0000],
    [-0, 0x8000],
  ])('%d', (value, expected) => {
    expect(toFloat16(Float32Array.of(value))[0]).toBe(expected);
  });

  test('keeps a NaN whose payload would be cut off', () => {
    const bits = Uint32Array.of(0x7f800001, 0xff800001, 0x7fc00000);
    expect([...toFloat16(new Float32Array(bits.buffer))]).toEqual([0x7e00, 0xfe00, 0x7e00]);
  });

  test('reads a view at its offset', () => {
    expect([...toFloat16(Float32Array.of(0, 1, 2).subarray(1))]).toEqual([0x3c00, 0x4000]);
  });
});

function check(values: Float32Array): void {
  const rounded = toFloat16(values);
  const wrong: string[] = [];
  values.forEach((value, index) => {
    const isRight = Number.isNaN(value)
      ? (rounded[index] & 0x7fff) > 0x7c00
      : rounded[index] === nearest(value);
    if (!isRight) wrong.push(`${value} became ${rounded[index]}, not ${nearest(value)}`);
  });
  expect(wrong).toEqual([]);
}
