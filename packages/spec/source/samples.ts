import { z } from 'zod';

const logits = z.array(z.number());

const sampleSchema = z.object({
  index: z.number().int().describe('The index of the sample in the test set.'),
  label: z.number().int().describe('The index of its class.'),
  text: z
    .string()
    .nullable()
    .describe('The text as the networks read it, up to their length; null for an image.'),
  teacher: logits.describe("The logits of the student's teacher, for several teachers their weighted mean."),
  student: logits.describe('The logits of the student.'),
  control: logits.nullable().describe('The logits of its control of the same seed; null without a control.'),
  disagreement: z.number().describe('KL(teacher ‖ student) at the temperature that was asked for, in nats.'),
});

export const samplesSchema = z.object({
  total: z.number().int().describe('The number of kept samples, or of those of the class.'),
  kind: z.enum(['image', 'text']).describe('What the samples are.'),
  classes: z.array(z.string()).describe('The names of the classes, in the order of the logits.'),
  samples: z.array(sampleSchema),
});
/** Test samples with the logits of a student, its teacher and its control. */
export type Samples = z.output<typeof samplesSchema>;
