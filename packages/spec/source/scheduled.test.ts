import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { fieldErrors } from './problem.ts';
import { scheduled, schedulesOf, valueAt, weightSchema } from './scheduled.ts';

const schema = z.strictObject({ weight: weightSchema, temperature: scheduled({ minimum: 0.5, maximum: 8 }) });
const spec = { weight: 1, temperature: 4 };

function refusals(changes: object) {
  const input = { ...spec, ...changes };
  const { error } = schema.safeParse(input);
  expect(error, 'it was accepted').toBeDefined();
  return fieldErrors(error as z.ZodError, input);
}

describe('a scheduled number', () => {
  test('is a number that stays', () => {
    expect([0, 0.5, 1000].map((epoch) => valueAt(3, epoch))).toEqual([3, 3, 3]);
    const constant = { schedule: 'constant', value: 3 } as const;
    expect([0, 0.5, 1000].map((epoch) => valueAt(constant, epoch))).toEqual([3, 3, 3]);
  });

  test('climbs or falls in a line, within epochs too, and then stays', () => {
    const ramp = { schedule: 'linear', from: 0, to: 2, epochs: 4 } as const;
    expect([0, 0.5, 1, 2, 3.5, 4, 4.25, 100].map((epoch) => valueAt(ramp, epoch))).toEqual([
      0, 0.25, 0.5, 1, 1.75, 2, 2, 2,
    ]);
    expect(valueAt({ ...ramp, from: 5, to: 1 }, 1)).toBe(4);
    expect(valueAt({ ...ramp, epochs: 0.5 }, 0.25)).toBe(1);
  });

  test('takes half a wave, whose slopes vanish at both ends', () => {
    const wave = { schedule: 'cosine', from: 1, to: 3, epochs: 10 } as const;
    expect(valueAt(wave, 0)).toBe(1);
    expect(valueAt(wave, 5)).toBeCloseTo(2, 12);
    expect(valueAt(wave, 2.5)).toBeCloseTo(2 - Math.SQRT1_2, 12);
    expect(valueAt(wave, 10)).toBe(3);
    expect(valueAt(wave, 11)).toBe(3);
    expect(valueAt(wave, 0.01) - 1).toBeLessThan(1e-5);
    expect(3 - valueAt(wave, 9.99)).toBeLessThan(1e-5);
  });

  test('piecewise has the value of each phase until its milestone', () => {
    const phases = { schedule: 'piecewise' as const, values: [100, 0, 1], milestones: [2, 5] };
    expect([0, 1.9, 2, 4.99, 5, 100].map((epoch) => valueAt(phases, epoch))).toEqual([100, 100, 0, 0, 1, 1]);
  });

  test('is multiplied after each milestone, in whatever order they stand', () => {
    const steps = { schedule: 'step', value: 8, milestones: [5, 2], gamma: 0.5 } as const;
    const at = (epoch: number) => valueAt({ ...steps, milestones: [...steps.milestones] }, epoch);
    expect([0, 1.99, 2, 4.99, 5, 100].map(at)).toEqual([8, 8, 4, 4, 2, 2]);
  });
});

test('every form is taken as it was given, with defaults filled in', () => {
  const given = [
    { weight: 0.5, temperature: 0.5 },
    { weight: 'auto', temperature: { schedule: 'constant', value: 8 } },
    { weight: { schedule: 'linear', from: 0, to: 1, epochs: 20 }, temperature: 8 },
    { weight: 0, temperature: { schedule: 'cosine', from: 8, to: 1, epochs: 2.5 } },
    { weight: { schedule: 'step', value: 1, milestones: [3], gamma: 2 }, temperature: 1 },
    { weight: { schedule: 'piecewise', values: [1, 0, 0.5], milestones: [3, 9] }, temperature: 1 },
  ];
  for (const each of given) expect(schema.parse(each)).toEqual(each);
  const step = { schedule: 'step', value: 1, milestones: [3] };
  expect(schema.parse({ ...spec, weight: step }).weight).toEqual({ ...step, gamma: 0.1 });
  expect(() => z.toJSONSchema(schema, { io: 'input' })).not.toThrow();
});

test.each<[string, object, object]>([
  ['a number below its range', { weight: -1 }, { path: '/weight', value: -1, allowed: { minimum: 0 } }],
  [
    'a number above its range',
    { temperature: 9 },
    { path: '/temperature', value: 9, allowed: { maximum: 8 } },
  ],
  [
    'a word that is none',
    { weight: 'automatic' },
    { path: '/weight', message: 'Invalid input: expected number or "auto" or object', value: 'automatic' },
  ],
  [
    'auto for what is no weight',
    { temperature: 'auto' },
    { path: '/temperature', message: 'Invalid input: expected number or object' },
  ],
  [
    'a schedule that is none',
    { weight: { schedule: 'leap' } },
    {
      path: '/weight/schedule',
      value: 'leap',
      allowed: ['constant', 'linear', 'cosine', 'step', 'piecewise'],
    },
  ],
  [
    'a schedule without its end',
    { weight: { schedule: 'linear', from: 0, epochs: 3 } },
    { path: '/weight/to', message: expect.stringContaining('it is missing') },
  ],
  [
    'a ramp of no length',
    { weight: { schedule: 'linear', from: 0, to: 1, epochs: 0 } },
    { path: '/weight/epochs', allowed: { exclusiveMinimum: 0 } },
  ],
  [
    'a ramp that leaves the range',
    { temperature: { schedule: 'cosine', from: 4, to: 0, epochs: 3 } },
    { path: '/temperature/to', value: 0, allowed: { minimum: 0.5 } },
  ],
  [
    'steps that leave the range',
    { temperature: { schedule: 'step', value: 4, milestones: [1, 2], gamma: 0.25 } },
    { path: '/temperature/gamma', value: 0.25, message: expect.stringContaining('ends at 0.25') },
  ],
  [
    'a phase without a value',
    { weight: { schedule: 'piecewise', values: [0, 1], milestones: [3, 5] } },
    { path: '/weight/milestones', message: expect.stringContaining('one milestone fewer than values: 1') },
  ],
  [
    'phases out of order',
    { weight: { schedule: 'piecewise', values: [0, 1, 0], milestones: [5, 5] } },
    { path: '/weight/milestones/1', value: 5 },
  ],
  [
    "another schedule's option",
    { weight: { schedule: 'constant', value: 1, epochs: 3 } },
    { path: '/weight/epochs', message: 'is not an option here' },
  ],
])('refuses %s', (_, changes, expected) => {
  expect(refusals(changes)).toEqual([expect.objectContaining(expected)]);
});

test('finds the options that are schedules', () => {
  const ramp = { schedule: 'linear', from: 0, to: 2, epochs: 4 } as const;
  const options = { type: 'x', weight: ramp, temperature: 4, taps: ['a'], margins: null, teacher: undefined };
  expect(schedulesOf(options)).toEqual({ weight: ramp });
});
