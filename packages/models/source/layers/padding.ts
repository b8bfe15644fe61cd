import { z } from 'zod';

export const padding = z
  .union([z.enum(['valid', 'same']), z.int().min(0).max(64)], {
    error: 'must be "valid", "same" or a whole number up to 64',
  })
  .default('valid')
  .describe('a number is of rows and columns of zeros on each side');

interface Window {
  kernel: number;
  stride: number;
}

/**
 * How many zeros stand on each side. Keras' `same` puts the odd one of an odd number behind, which no network here does:
 * an even kernel at stride 1 asks for that, and most even maps at stride 2.
 *
 * @param shape `[height, width, channels]`, asked for only where it matters
 * @throws RangeError where the two sides would differ, or height and width
 */
export function symmetricPadding(
  wanted: z.output<typeof padding>,
  { kernel, stride }: Window,
  shape: () => readonly number[],
): number {
  if (wanted === 'valid') return 0;
  if (wanted !== 'same') return wanted;
  if (stride === 1 && kernel % 2 === 1) return (kernel - 1) / 2;
  const [height, width] = shape();
  const [rows, columns] = [height, width].map((extent) =>
    Math.max(0, (Math.ceil(extent / stride) - 1) * stride + kernel - extent),
  );
  if (rows === columns && rows % 2 === 0) return rows / 2;
  const sides = (total: number) => `${Math.floor(total / 2)} and ${Math.ceil(total / 2)}`;
  throw new RangeError(
    `padding "same" of a ${kernel}×${kernel} window at stride ${stride} would put ${sides(rows)} rows, ${sides(columns)} ` +
      `columns of zeros around a map of [${shape()}], and only as many on all sides can be had; ` +
      'give the padding as a number, or "valid"',
  );
}
