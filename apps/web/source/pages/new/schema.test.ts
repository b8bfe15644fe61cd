import { expect, test } from 'vitest';
import {
  branchOf,
  choicesOf,
  defaultText,
  discriminator,
  helpText,
  rangeText,
  resolved,
  words,
} from './schema.ts';

const schemas = {
  Term: {
    oneOf: [
      { properties: { weight: { type: 'number' }, type: { const: 'hint' } } },
      { properties: { weight: { type: 'number' }, type: { const: 'pkt' } } },
    ],
  },
};

test('a reference keeps the description of its place', () => {
  const schema = resolved({ $ref: '#/components/schemas/Term', description: 'One term.' }, schemas);
  expect([schema.description, schema.oneOf?.length]).toEqual(['One term.', 2]);
  expect(() => resolved({ $ref: '#/components/schemas/Nothing' }, schemas)).toThrow('no schema #/components');
});

test('the branches of a union may be references, within a choice of values, too', () => {
  const linear = { properties: { schedule: { const: 'linear' } } };
  const named = { Linear: linear, Schedule: { oneOf: [{ $ref: '#/components/schemas/Linear' }] } };
  const schema = resolved({ anyOf: [{ type: 'number' }, { $ref: '#/components/schemas/Schedule' }] }, named);
  expect(schema.anyOf).toEqual([{ type: 'number' }, { oneOf: [linear] }]);
  expect(discriminator(schema.anyOf?.[1] ?? {})).toBe('schedule');
});

test('a list of values is one of words, or of constants', () => {
  expect(choicesOf({ enum: ['a', 'b'] })).toEqual(['a', 'b']);
  expect(choicesOf({ anyOf: [{ const: 0.5 }, { const: 1 }] })).toEqual([0.5, 1]);
  expect(choicesOf({ anyOf: [{ const: 'auto' }, { type: 'number' }] })).toBeUndefined();
  expect(choicesOf({ type: 'number' })).toBeUndefined();
});

test('the branch of a union is found by its discriminator', () => {
  expect(discriminator(schemas.Term)).toBe('type');
  expect(discriminator({ type: 'object' })).toBeUndefined();
  expect(branchOf(schemas.Term, 'type', { type: 'pkt' })).toBe(schemas.Term.oneOf[1]);
  expect(branchOf(schemas.Term, 'type', {})).toBe(schemas.Term.oneOf[0]);
});

test('a default stands in the field, and the help is without it', () => {
  const field = { description: 'Samples per step. Default: `128`. Powers of two are fast.' };
  expect([defaultText(field), helpText(field)]).toEqual(['128', 'Samples per step. Powers of two are fast.']);
  expect(defaultText({ description: 'Rule. Default: `"mean"`.' })).toBe('mean');
  expect(defaultText({ description: 'The largest number to keep. Default: all.' })).toBe('all');
  expect(defaultText({ description: 'Seeds. Default: `[42]`.' })).toBe('42');
  expect(defaultText({ description: 'Settings. Default: `{}`.' })).toBeUndefined();
  expect(defaultText({ description: 'Without one.' })).toBeUndefined();
});

test('a range is told where it tells something', () => {
  expect(rangeText({ minimum: 1, maximum: 10_000 })).toBe('1 to 10,000');
  expect(rangeText({ exclusiveMinimum: 0, maximum: 100 })).toBe('above 0 to 100');
  expect(rangeText({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })).toBe('at least 1');
  expect(rangeText({ exclusiveMinimum: 0 })).toBe('greater than 0');
  expect(rangeText({})).toBeUndefined();
});

test('names of options become words', () => {
  expect(['labelSmoothing', 'beta1', 'trainCount', 'soft_target'].map(words)).toEqual([
    'Label smoothing',
    'Beta 1',
    'Train count',
    'Soft target',
  ]);
});
