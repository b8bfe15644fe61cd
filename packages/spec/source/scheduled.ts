import { z } from 'zod';

/** Bounds that a number must keep at every epoch. */
interface Range {
  minimum: number;
  maximum: number;
}

const rampEpochs = z
  .number()
  .positive()
  .max(10_000)
  .describe('Epochs until the value reaches "to" and stays there. Fractions are allowed.');

function schedules({ minimum, maximum }: Range) {
  const number = z.number().min(minimum).max(maximum);
  return z.discriminatedUnion(
    'schedule',
    [
      z.strictObject({ schedule: z.literal('constant'), value: number }),
      z.strictObject({ schedule: z.literal('linear'), from: number, to: number, epochs: rampEpochs }),
      z
        .strictObject({ schedule: z.literal('cosine'), from: number, to: number, epochs: rampEpochs })
        .describe('Follows half a cosine wave: slow at both ends.'),
      z
        .strictObject({
          schedule: z.literal('step'),
          value: number,
          milestones: z
            .array(z.number().int().min(1))
            .min(1)
            .max(100)
            .describe('Epochs, counted from 1, after which the value is multiplied by gamma.'),
          gamma: z.number().positive().max(1000).default(0.1),
        })
        .superRefine(({ value, milestones, gamma }, context) => {
          const last = value * gamma ** milestones.length;
          if (last >= minimum && last <= maximum) return;
          const message = `the value ends at ${last}: it must stay between ${minimum} and ${maximum}`;
          context.addIssue({ code: 'custom', path: ['gamma'], message });
        }),
      z
        .strictObject({
          schedule: z.literal('piecewise'),
          values: z.array(number).min(2).max(101).describe('The value of each phase.'),
          milestones: z
            .array(z.number().int().min(1))
            .min(1)
            .max(100)
            .describe('Epochs, counted from 1, after which the next phase begins; one fewer than values.'),
        })
        .describe('Keeps a value for each phase, for example to learn features first and labels afterwards.')
        .superRefine(({ values, milestones }, context) => {
          if (milestones.length !== values.length - 1) {
            const message = `needs one milestone fewer than values: ${values.length - 1}`;
            context.addIssue({ code: 'custom', path: ['milestones'], message });
          }
          const late = milestones.findIndex((milestone, i) => i > 0 && milestone <= (milestones[i - 1] ?? 0));
          if (late < 0) return;
          context.addIssue({
            code: 'custom',
            path: ['milestones', late],
            message: 'must be later than the one before',
          });
        }),
    ],
    {
      error: (issue) =>
        issue.code === 'invalid_union'
          ? 'must be one of: constant, linear, cosine, step, piecewise'
          : undefined,
    },
  );
}

/** Builds the schema of a number or of a schedule over the epochs. Schedules that leave the range are invalid. */
export function scheduled(range: Range) {
  return z.union([z.number().min(range.minimum).max(range.maximum), schedules(range)]);
}
export type Scheduled = z.output<ReturnType<typeof scheduled>>;

/** Returns those options of a choice that are schedules, by name. */
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
      .describe(
        "Gives the term's gradient, at the first step, the length of that of cross_entropy at weight 1.",
      ),
    schedules(weightRange),
  ])
  .describe('Weight of the term in the total loss.');
export type Weight = z.output<typeof weightSchema>;

/**
 * Returns the value of a scheduled number at a point of the training.
 *
 * @param epoch completed epochs; a fraction within an epoch
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
    case 'piecewise': {
      const passed = number.milestones.filter((milestone) => epoch >= milestone).length;
      return number.values[passed] ?? Number.NaN;
    }
  }
}
