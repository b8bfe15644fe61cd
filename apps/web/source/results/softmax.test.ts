import { expect, test } from 'vitest';
import { divergence, largestIndex, softmax } from './softmax.ts';

test('softmax is that of the logits over the temperature, without overflow', () => {
  expect(softmax([0, Math.log(3)])[1]).toBeCloseTo(0.75);
  const hot = softmax([0, 2 * Math.log(3)], 2);
  expect(hot[0]).toBeCloseTo(0.25);
  expect(hot[1]).toBeCloseTo(0.75);
  expect(softmax([1000, 0])).toEqual([1, 0]);
});

test('the divergence is that of the definition, and 0 of equal distributions', () => {
  expect(divergence([0.5, 0.5], [0.25, 0.75])).toBeCloseTo(0.5 * Math.log(2) + 0.5 * Math.log(2 / 3));
  expect(divergence([0.2, 0.8], [0.2, 0.8])).toBe(0);
  expect(divergence([0, 1], [0.5, 0.5])).toBeCloseTo(Math.log(2));
});

test('the first of equal values is the largest', () => expect(largestIndex([1, 3, 3])).toBe(1));
