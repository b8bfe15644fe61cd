import { z } from 'zod';

/** An option that is a range: the smallest and the largest number, both above 0. */
export function rangeSchema(most: number) {
  return z
    .array(z.number().positive().max(most))
    .length(2, 'must be two numbers')
    .refine(([least, largest]) => least <= largest, 'must have the smaller number first');
}
