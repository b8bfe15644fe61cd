import { expect, test } from 'vitest';
import { quantized } from './quantize.ts';

test('each slice of the axis has the scale of its largest value', () => {
  const { values, scales } = quantized(Float32Array.of(1, -2.1, 4, 0, 0, 0, 0.5, 0.26, -0.125), [3, 3], 0);
  expect([...scales]).toEqual([4 / 127, 1, 0.5 / 127].map(Math.fround));
  expect([...values]).toEqual([32, -67, 127, 0, 0, 0, 127, 66, -32]);
});

test('the axis may be any', () => {
  const { values, scales } = quantized(Float32Array.of(1, 10, -2.1, 21, 4, -40), [3, 2], 1);
  expect([...scales]).toEqual([4 / 127, 40 / 127].map(Math.fround));
  expect([...values]).toEqual([32, 32, -67, 67, 127, -127]);
});

test('a value is off by half a step at most', () => {
  const data = Float32Array.from({ length: 600 }, (_, i) => Math.sin(12.9898 * i) * (1 + (i % 7)));
  const { values, scales } = quantized(data, [20, 30], 0);
  data.forEach((value, i) => {
    const scale = scales[Math.floor(i / 30)];
    expect(Math.abs(values[i] * scale - value)).toBeLessThanOrEqual(scale * 0.5001);
  });
});
