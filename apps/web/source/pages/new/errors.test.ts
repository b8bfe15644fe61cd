import { expect, test } from 'vitest';
import { errorText, placeText } from './errors.ts';

const error = (over: object) => ({ path: '/x', message: 'Too small: expected number to be >0', ...over });

test('an error says what must hold, then the default', () => {
  const schema = { description: 'The temperature. Default: `4`.' };
  expect(errorText(error({ value: 0, allowed: { exclusiveMinimum: 0 } }), schema)).toBe(
    'Must be greater than 0. Default 4.',
  );
  expect(errorText(error({ value: 3, allowed: [8, 14] }), {})).toBe('Must be one of 8, 14.');
  expect(errorText(error({ message: 'Invalid input: expected string' }), schema)).toBe(
    'Is required. Default 4.',
  );
  expect(errorText(error({ message: 'there is no class "ox"', value: 'ox' }), {})).toBe(
    'There is no class "ox".',
  );
});

test('a place is told by names', () => {
  const spec = { students: [{ name: 'r20', method: [{ type: 'hint' }, { type: 'pkt' }] }], seeds: [1, -1] };
  expect(placeText('/students/0/method/1/weight', spec)).toBe('students › r20 › pkt › weight');
  expect(placeText('/seeds/1', spec)).toBe('seeds › 2');
});
