import { expect, test } from 'vitest';
import { axisFactor, logTickTexts, tickTexts } from './tick-text.ts';

test('the labels of an axis have the same decimals, and zero has none', () => {
  expect(tickTexts([-0.5, 0, 0.5, 1])).toEqual(['−0.5', '0', '0.5', '1.0']);
  expect(tickTexts([-0.05, 0, 0.025], { plus: true })).toEqual(['−0.050', '0', '+0.025']);
  expect(tickTexts([0, 50_000, 100_000])).toEqual(['0', '50,000', '100,000']);
  expect(tickTexts([1e-7, 2e-7])).toEqual(['0.0000001', '0.0000002']);
});

test('the labels of a logarithmic axis have the decimals that each needs', () => {
  expect(logTickTexts([0.03, 0.1, 1, 3000])).toEqual(['0.03', '0.1', '1', '3,000']);
  expect(logTickTexts([1e-6, 3e7])).toEqual(['10⁻⁶', '3×10⁷']);
});

test('an axis of very small or large values is divided by a power of thousand', () => {
  expect(axisFactor(0.001)).toEqual({ factor: 1e-3, words: ', ×10⁻³' });
  expect(axisFactor(0.05)).toEqual({ factor: 1, words: '' });
  expect(axisFactor(2_500_000)).toEqual({ factor: 1e6, words: ', ×10⁶' });
  expect(axisFactor(0)).toEqual({ factor: 1, words: '' });
});
