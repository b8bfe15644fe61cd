import type { About } from '../dataset.ts';
import type { Layout } from './image-layout.ts';
import { type ImageTarget, photographNormalization } from './image-options.ts';

/** What was found out about images while they were listed or decoded. */
interface Found {
  skipped: About['skipped'];
  notes: readonly string[];
  /** The number of given validation samples; absent where there are none. */
  validation?: number | undefined;
  /** The number of images without a class; absent where there are none. */
  unlabeled?: number | undefined;
}

/** Describes the images of a layout. */
export function imageAbout(
  { classes }: Layout,
  target: ImageTarget,
  { skipped, notes, validation, unlabeled }: Found,
): About {
  return {
    classes,
    shape: [...target.size, target.channels],
    skipped,
    ...(validation !== undefined && { validation }),
    ...(unlabeled !== undefined && { unlabeled }),
    normalization: photographNormalization(target),
    notes,
  };
}
