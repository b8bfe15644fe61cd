import { z } from 'zod';

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
export function usualSize(sizes: readonly (readonly [number, number])[]): {
  size: [number, number];
  notes: string[];
} {
  const counts = new Map<string, { size: readonly [number, number]; count: number }>();
  for (const size of sizes) {
    const key = size.join('×');
    counts.set(key, { size, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  const [most] = [...counts.values()].sort((a, b) => b.count - a.count);
  if (counts.size === 1) return { size: [...most.size], notes: [] };
  const size: [number, number] =
    2 * most.count > sizes.length
      ? [...most.size]
      : [medianOf(sizes.map(([height]) => height)), medianOf(sizes.map(([, width]) => width))];
  const area = ([height, width]: readonly [number, number]) => height * width;
  const sorted = [...counts.values()].map((one) => one.size).sort((a, b) => area(a) - area(b));
  const text = (one: readonly [number, number]) => one.join('×');
  return {
    size,
    notes: [
      `the images have different sizes, from ${text(sorted[0])} to ${text(sorted[sorted.length - 1])} pixels among ` +
        `${sizes.length} of them; each is scaled to ${text(size)}, which \`size\` and \`fit\` change`,
    ],
  };
}

function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
