import { z } from 'zod';

const curveSchema = z.object({
  stage: z.string().describe('The id of the stage.'),
  name: z.string().describe('The name of the value, such as `loss` or `validation_accuracy`.'),
  step: z
    .array(z.number().int())
    .describe('The step of each point, counted from 1 over all epochs: the last step of the rows behind it.'),
  epoch: z.array(z.number().int()).describe('The epoch of that step, counted from 1.'),
  value: z
    .array(z.number().nullable())
    .describe('The mean of the rows behind each point; null where none of them has a finite value.'),
  min: z
    .array(z.number().nullable())
    .optional()
    .describe('The smallest value behind each point; absent where every point is one row.'),
  max: z.array(z.number().nullable()).optional().describe('The largest value behind each point, as `min`.'),
});
/** One value of a stage over its training. */
export type Curve = z.output<typeof curveSchema>;

export const curvesSchema = z.object({
  curves: z.array(curveSchema).describe('One curve for each stage and name of a value.'),
  after: z
    .string()
    .nullable()
    .describe('The position to continue from; null when the job has no row of metrics yet.'),
  complete: z
    .boolean()
    .describe(
      'False where `partial` was asked for and rows are left to read: ask again without `after`, which goes on where this answer has come.',
    ),
});
/** The training curves of a job, thinned out for a chart. */
export type Curves = z.output<typeof curvesSchema>;
