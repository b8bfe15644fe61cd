import type { DatasetProfile } from '@distillery/spec';
import { imageSize } from './decode-image.ts';
import type { ImageFiles } from './image-files.ts';
import { sizeCounts } from './size-counts.ts';

/** Reads the sizes of images from their headers; null where none has one. */
export async function imageSizes(
  files: Pick<ImageFiles, 'contents'>,
  signal?: AbortSignal,
): Promise<DatasetProfile['sizes']> {
  const counts = sizeCounts();
  for await (const { bytes } of files.contents(signal)) {
    const size = bytes instanceof Error ? undefined : await imageSize(bytes);
    if (size !== undefined) counts.add(size);
  }
  const found = counts.result();
  return found === undefined ? null : { ...found, most: found.most.slice(0, 10) };
}
