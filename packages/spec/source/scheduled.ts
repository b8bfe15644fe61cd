import { z } from 'zod';

/** Bounds of a number, at every epoch. */
interface Range {
  minimum: number;
  maximum: number;
}

const rampEpochs = z
  .number()
  .positive()
  .max(10_000)
  .describe('until it has come to its end and stays; fractions are allowed');

function schedules({ minimum, maximum }: Range) {
  const number = z.number().min(minimum).max(maximum);
  return z.discriminatedUnion(
    'schedule',
    [
      z.strictObject({ schedule: z.literal('constant'), value: number }),
      z.strictObject({ schedule: z.literal('linear'), from: number, to: number, epochs: rampEpochs }),
      z
        .strictObject({ schedule: z.literal('cosine'), from: number, to: number, epochs: rampEpochs })
        .describe('half a wave: slow at both ends'),
      z
        .strictObject({
          schedule: z.literal('step'),
          value: number,
          milestones: z
            .array(z.number().int().min(1))
            .min(1)
            .max(100)
            .describe('epochs (counted from 1) after which the value is multiplied by gamma'),
          gamma: z.number().positive().max(1000).default(0.1),
        })
        .superRefine(({ value, milestones, gamma }, context) => {
          const last = value * gamma ** milestones.length;
          if (last >= minimum && last <= maximum) return;
          const message = `takes the value to ${last} in the end, it must stay within ${minimum} and ${maximum}`;
          context.addIssue({ code: 'custom', path: ['gamma'], message });
        }),
    ],
    {
      error: (issue) =>
        issue.code === 'invalid_union' ? 'must be one of: constant, linear, cosine, step' : undefined,
    },
  );
}

/** The schema of a number, or of its schedule over the epochs; no schedule leaves the range. */
export function scheduled(range: Range) {
  return z.union([z.number().min(range.minimum).max(range.maximum), schedules(range)]);
}
export type Scheduled = z.output<ReturnType<typeof scheduled>>;

/** The options of a choice that are schedules, by name. */
export function schedulesOf(options: Record<string, unknown>): Record<string, Scheduled> {
  const isSchedule = (value: unknown) => typeof value === 'object' && value !== null && 'schedule' in value;
  const schedules = Object.entries(options).filter(([, value]) => isSchedule(value));
  return Object.fromEntries(schedules) as Record<string, Scheduled>;
}

export const weightRange = { minimum: 0, maximum: 1e9 } as const;

/** The schema of a term's weight. */
export const weightSchema = z
  .union([
    z.number().min(weightRange.minimum).max(weightRange.maximum),
    z
      .literal('auto')
      .describe("makes the term's gradient at the first step as long as that of cross_entropy at weight 1"),
    schedules(weightRange),
  ])
  .describe('of the term in the sum');
export type Weight = z.output<typeof weightSchema>;

/**
 * A scheduled number at a moment.
 *
 * @param epoch completed epochs; a fraction within one
 */
export function valueAt(number: Scheduled, epoch: number): number {
  if (typeof number === 'number') return number;
  switch (number.schedule) {
    case 'constant':
      return number.value;
    case 'linear':
    case 'cosine': {
      const { schedule, from, to, epochs } = number;
      if (epoch >= epochs) return to;
      const done = epoch / epochs;
      const share = schedule === 'linear' ? done : (1 - Math.cos(Math.PI * done)) / 2;
      return from + (to - from) * share;
    }
    case 'step': {
      const passed = number.milestones.filter((milestone) => epoch >= milestone).length;
      return number.value * number.gamma ** passed;
    }
  }
}
