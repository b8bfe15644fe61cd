import { expect, test } from 'vitest';
import { z } from 'zod';
import { fieldErrors, presentable } from './problem.ts';

function refusals(schema: z.ZodType, input: unknown, prefix?: string) {
  const { error } = schema.safeParse(input);
  return fieldErrors(error as z.ZodError, input, prefix);
}

test('escapes ~ and / in pointers (RFC 6901) and puts a prefix before them', () => {
  const schema = z.object({ 'a/b': z.object({ 'c~d': z.number() }) });
  expect(refusals(schema, { 'a/b': { 'c~d': 'x' } }, '/body')[0].path).toBe('/body/a~1b/c~0d');
});

test('the pointer of the whole document is empty', () => {
  expect(refusals(z.object({}), null)).toEqual([expect.objectContaining({ path: '', value: null })]);
});

test('the branch of a nested union that came closest is reported, with what it allows', () => {
  const inner = z.union([
    z.strictObject({ kind: z.literal('step'), at: z.strictObject({ epoch: z.number() }) }),
    z.number(),
  ]);
  const schema = z.strictObject({ weight: z.union([z.number(), z.strictObject({ ramp: inner })]) });
  const refused = refusals(schema, { weight: { ramp: { kind: 'leap', at: { epoch: 'x', extra: 1 } } } });
  expect(refused).toContainEqual(
    expect.objectContaining({ path: '/weight/ramp/kind', value: 'leap', allowed: ['step'] }),
  );
  expect(refused).toContainEqual(expect.objectContaining({ path: '/weight/ramp/at/epoch', value: 'x' }));
  expect(refused).toContainEqual(
    expect.objectContaining({ path: '/weight/ramp/at/extra', value: 1, message: 'is not an option here' }),
  );
});

test('of a union, the branch of the right type is reported with its bounds, or else all types', () => {
  const schema = z.object({ views: z.union([z.literal('fresh'), z.int().min(1).max(64)]) });
  expect(refusals(schema, { views: 65 })).toEqual([
    {
      path: '/views',
      message: 'Too big: expected number to be <=64',
      value: 65,
      allowed: { maximum: 64 },
    },
  ]);
  const messages = ['new', 2.5].map((views) => refusals(schema, { views }).map(({ message }) => message));
  expect(messages).toEqual([
    ['Invalid input: expected "fresh" or number'],
    ['Invalid input: expected "fresh" or int'],
  ]);
});

test('several unknown keys are several fields', () => {
  expect(refusals(z.strictObject({}), { a: 1, b: 2 }).map(({ path }) => path)).toEqual(['/a', '/b']);
});

test('a value that does not exist is left out', () => {
  expect(refusals(z.object({ a: z.string() }), {})[0]).toEqual({
    path: '/a',
    message: 'Invalid input: expected string, it is missing',
  });
});

test('an answer shows the first entries, and the beginnings of long values and lists', () => {
  const field = { path: '/a', message: 'is wrong', value: 'x'.repeat(1000), allowed: Array(5000).fill('c') };
  const shown = presentable(Array.from({ length: 5000 }, () => field));
  expect(shown).toHaveLength(100);
  expect(shown[0].value).toBe(`${'x'.repeat(200)}…`);
  expect(shown[0].allowed).toEqual([...Array(100).fill('c'), '…']);
  expect(presentable(shown)).toEqual(shown);
});
