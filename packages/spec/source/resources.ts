import { z } from 'zod';
import { byteSizeForm, bytesOf } from './byte-size.ts';

/** A label of workers, as the setting CAPABILITIES and job specs have it. */
export const labelForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

export const resourcesSchema = z
  .strictObject({
    engine: z
      .enum(['gpu', 'cpu'])
      .optional()
      .describe('Whether a worker must compute on a GPU, or on the CPU. Default: either.'),
    gpuMemory: z
      .string()
      .regex(byteSizeForm, 'must be a number of bytes such as "16 GB" or "40 GiB"')
      .optional()
      .describe('The least memory of the GPU, such as `"16 GB"`.'),
    labels: z
      .array(z.string().regex(labelForm, 'must be 1-63 letters, digits, dots, dashes and underscores'))
      .max(8)
      .refine((labels) => new Set(labels).size === labels.length, 'must differ from each other')
      .optional()
      .describe('Labels that a worker must have, which its setting `CAPABILITIES` lists.'),
  })
  .superRefine(({ engine, gpuMemory }, context) => {
    const refuse = (message: string) => context.addIssue({ code: 'custom', path: ['gpuMemory'], message });
    if (gpuMemory === undefined) return;
    if (engine === 'cpu') refuse('is the memory of a GPU, but `engine` asks for the CPU: remove one of them');
    const bytes = bytesOf(gpuMemory);
    if (byteSizeForm.test(gpuMemory) && (!Number.isSafeInteger(bytes) || bytes < 1)) {
      refuse('must be a whole number of bytes of at least 1');
    }
  });
/** What a stage asks of the worker that runs it. */
export type Resources = z.output<typeof resourcesSchema>;

/** The requirements of a stage, in the form of capabilities.ts. */
export function requirementsOfResources({ engine, gpuMemory, labels = [] }: Resources = {}): string[] {
  const kind = gpuMemory === undefined ? engine : 'gpu';
  return [
    ...(kind === undefined ? [] : [kind]),
    ...(gpuMemory === undefined ? [] : [`gpuMemory>=${bytesOf(gpuMemory)}`]),
    ...labels.map((label) => `label:${label}`),
  ];
}
