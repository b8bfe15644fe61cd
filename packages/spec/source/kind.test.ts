import { expect, test } from 'vitest';
import { z } from 'zod';
import { type Kind, registry } from './kind.ts';

const circle: Kind = {
  type: 'circle',
  summary: 'Round',
  formula: 'x² + y² = r²',
  reference: 'https://example.org/circle',
  options: z.strictObject({
    radius: z.number().positive().default(1),
    colour: z.enum(['red', 'blue']).optional(),
  }),
};
const square: Kind = {
  type: 'square',
  summary: 'Four sides',
  options: z.strictObject({ side: z.number().describe('metres'), bevel: z.boolean().default(false) }),
};
const figures = registry([circle, square]);

test('fills in the defaults of the kind that is named', () => {
  expect(figures.schema.parse({ type: 'circle' })).toEqual({ type: 'circle', radius: 1 });
  expect(figures.schema.parse({ type: 'square', side: 2 })).toEqual({
    type: 'square',
    side: 2,
    bevel: false,
  });
});

test('names the kind by another key where asked', () => {
  const sources = registry([circle], 'source');
  expect(sources.schema.parse({ source: 'circle' })).toEqual({ source: 'circle', radius: 1 });
  expect(sources.schema.safeParse({ type: 'circle' }).success).toBe(false);
});

test.each([
  ['another kind', { type: 'star' }],
  ['no kind', {}],
  ["another kind's option", { type: 'circle', side: 1 }],
  ['an option out of bounds', { type: 'circle', radius: 0 }],
  ['a missing option', { type: 'square' }],
  ['no object', 'circle'],
])('refuses %s', (_what, choice) => {
  expect(figures.schema.safeParse(choice).success).toBe(false);
});

test('get finds a kind, and says which there are', () => {
  expect(figures.get('square')).toBe(square);
  expect(() => figures.get('star')).toThrow(/"star": circle, square/);
  expect(() => figures.get('toString')).toThrow(RangeError);
});

test('refuses two kinds of one name', () => {
  expect(() => registry([circle, { ...square, type: 'circle' }])).toThrow(/two kinds named circle/);
});

test('the catalogue tells options as JSON Schema, and the defaults', () => {
  const [first, second] = figures.catalogue();
  expect(first).toEqual({
    type: 'circle',
    summary: 'Round',
    formula: 'x² + y² = r²',
    reference: 'https://example.org/circle',
    defaults: { radius: 1 },
    options: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      additionalProperties: false,
      properties: {
        radius: { type: 'number', exclusiveMinimum: 0, default: 1 },
        colour: { type: 'string', enum: ['red', 'blue'] },
      },
    },
  });
  expect(second).toMatchObject({
    defaults: { bevel: false },
    options: { required: ['side'], properties: { side: { type: 'number', description: 'metres' } } },
  });
  expect(second).not.toHaveProperty('formula');
  expect(second).not.toHaveProperty('reference');
  // It goes over the wire as it is.
  expect(JSON.parse(JSON.stringify(first))).toEqual(first);
});

test('a kind that is added is parsed, found and listed, also where the schema was embedded before', () => {
  const shapes = registry([circle]);
  const drawing = z.strictObject({ figure: shapes.schema });
  shapes.add(square);
  expect(drawing.parse({ figure: { type: 'square', side: 2 } })).toEqual({
    figure: { type: 'square', side: 2, bevel: false },
  });
  expect(shapes.get('square')).toBe(square);
  expect(shapes.catalogue().map(({ type }) => type)).toEqual(['circle', 'square']);
  const described = JSON.stringify(z.toJSONSchema(drawing, { io: 'input' }));
  expect(described).toContain('"const":"square"');
});

test('refuses to add a kind whose name is taken, and any kind once the schema has been used', () => {
  const shapes = registry([circle]);
  expect(() => shapes.add({ ...square, type: 'circle' })).toThrow(/two kinds named circle/);
  shapes.schema.parse({ type: 'circle' });
  expect(() => shapes.add(square)).toThrow(/square comes too late/);
  expect(shapes.list).toEqual([circle]);
});
