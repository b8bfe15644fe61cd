import { expect, test } from 'vitest';
import { wholeNumber } from './setting.ts';

test('a setting that is not set is undefined, else a whole number in its range', () => {
  expect(wholeNumber('TRAINERS', undefined)).toBeUndefined();
  expect(wholeNumber('TRAINERS', '')).toBeUndefined();
  expect(wholeNumber('TRAINERS', '64', { most: 64 })).toBe(64);
  expect(wholeNumber('--port', '0', { least: 0 })).toBe(0);
});

test.each([
  ['0', {}, 'TRAINERS is "0", it must be a whole number of at least 1'],
  ['1.5', {}, 'TRAINERS is "1.5", it must be a whole number of at least 1'],
  ['65', { most: 64 }, 'TRAINERS is "65", it must be a whole number from 1 to 64'],
  ['many', { most: 64 }, 'TRAINERS is "many", it must be a whole number from 1 to 64'],
  ['1e99', { most: 64 }, 'TRAINERS is "1e99", it must be a whole number from 1 to 64'],
])('%j is refused', (text, range, message) => {
  expect(() => wholeNumber('TRAINERS', text, range)).toThrow(new RangeError(message));
});
