import { z } from 'zod';
import { type Size, sizeCounts } from './size-counts.ts';

/** How images become arrays of one shape: options of each source that decodes images. */
export const imageOptions = {
  fit: z
    .enum(['squash', 'crop', 'letterbox'])
    .default('squash')
    .describe(
      'How an image of other proportions gets the size: `squash` scales height and width apart, `crop` keeps the proportions and cuts the longer side at both ends, `letterbox` keeps the whole image between bars of the `background`.',
    ),
  background: z
    .string()
    .regex(/^#[0-9a-f]{6}$/i, 'must be a colour such as #ffffff')
    .default('#ffffff')
    .describe('The colour, `#rrggbb`, that shows through transparent pixels and beside letterboxed images.'),
  channels: z
    .literal([1, 3])
    .default(3)
    .describe('3 for colours; 1 for grey values, by the luma of ITU-R BT.601.'),
};

/** The array that an image becomes: `[height, width, channels]`. */
export interface ImageTarget {
  /** `[height, width]` in pixels. */
  size: readonly [number, number];
  fit: 'squash' | 'crop' | 'letterbox';
  background: string;
  channels: 1 | 3;
}

/** ImageNet's mean and deviation, the usual choice for photographs; of one channel, that of their grey values. */
export function photographNormalization({ channels }: Pick<ImageTarget, 'channels'>): {
  mean: number[];
  std: number[];
} {
  return channels === 1
    ? { mean: [0.449], std: [0.226] }
    : { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
}

/**
 * The size of images that are given none, and what people should know about it: the size that most have, or else the medians of
 * their heights and widths, so that no single image decides.
 *
 * @param sizes `[height, width]` of some of the images; at least one
 */
export function usualSize(sizes: readonly Size[]): { size: Size; notes: string[] } {
  const counts = sizeCounts();
  for (const size of sizes) counts.add(size);
  const found = counts.result();
  if (found === undefined) throw new RangeError('there are no sizes to choose from');
  const { smallest, largest, most } = found;
  const [first] = most;
  if (most.length === 1) return { size: first.size, notes: [] };
  const size: Size =
    2 * first.count > sizes.length
      ? first.size
      : [medianOf(sizes.map(([height]) => height)), medianOf(sizes.map(([, width]) => width))];
  const text = (one: Size) => one.join('×');
  return {
    size,
    notes: [
      `the images have different sizes, from ${text(smallest)} to ${text(largest)} pixels among ` +
        `${sizes.length} of them; each is scaled to ${text(size)}, which \`size\` and \`fit\` change`,
    ],
  };
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
