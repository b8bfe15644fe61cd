import type { About } from '../dataset.ts';
import type { Layout } from './image-layout.ts';
import { type ImageTarget, photographNormalization } from './image-options.ts';

/** What was found out about images while they were listed or decoded. */
interface Found {
  skipped: About['skipped'];
  notes: readonly string[];
  /** The number of given validation samples; absent where there are none. */
  validation?: number | undefined;
}

/** Describes the images of a layout. */
export function imageAbout(
  { classes }: Layout,
  target: ImageTarget,
  { skipped, notes, validation }: Found,
): About {
  return {
    classes,
    shape: [...target.size, target.channels],
    skipped,
    ...(validation !== undefined && { validation }),
    normalization: photographNormalization(target),
    notes,
  };
}
