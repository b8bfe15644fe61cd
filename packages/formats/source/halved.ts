import { z } from 'zod';
import { toFloat16 } from './float16.ts';
import type { NamedTensor } from './format.ts';

/** The option of the formats that hold named tensors. */
export const precisionOption = z
  .enum(['float32', 'float16'])
  .default('float32')
  .describe('The type of the numbers. float16 halves the file; values beyond ±65,504 become infinite.');

/** Returns a tensor in the chosen precision; a tensor of whole numbers stays as it is. */
export function halved(tensor: NamedTensor, precision: z.output<typeof precisionOption>): NamedTensor {
  const { data } = tensor;
  if (precision === 'float32' || !(data instanceof Float32Array)) return tensor;
  return { ...tensor, dtype: 'F16', data: toFloat16(data) };
}
