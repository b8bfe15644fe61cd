import { z } from 'zod';

export const padding = z
  .union([z.enum(['valid', 'same']), z.int().min(0).max(64)], {
    error: 'must be "valid", "same" or a whole number up to 64',
  })
  .default('valid')
  .describe('Padding: "valid", "same", or the number of rows and columns of zeros on each side.');

interface Window {
  kernel: number;
  stride: number;
}

/**
 * Returns the number of zeros on each side of a map. Keras' `same` puts one more zero after the map if their number is
 * odd (an even kernel at stride 1, and most even maps at stride 2), which the networks here do not support.
 *
 * @param shape returns `[height, width, channels]`; called only if it matters
 * @throws RangeError if the sides, or height and width, need different padding
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
    `padding "same" of a ${kernel}×${kernel} window at stride ${stride} needs ${sides(rows)} rows and ${sides(columns)} ` +
      `columns of zeros around a map of [${shape()}], but every side must have the same number: ` +
      'give the padding as a number, or "valid"',
  );
}
