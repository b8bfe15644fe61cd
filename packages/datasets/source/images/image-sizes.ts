import type { DatasetProfile } from '@distillery/spec';
import { imageSize } from './decode-image.ts';
import type { ImageFiles } from './image-files.ts';

/** Reads the sizes of images from their headers; null where none has one. */
export async function imageSizes(
  files: Pick<ImageFiles, 'contents'>,
  signal?: AbortSignal,
): Promise<DatasetProfile['sizes']> {
  const counts = new Map<string, { size: [number, number]; count: number }>();
  for await (const { bytes } of files.contents(signal)) {
    const size = bytes instanceof Error ? undefined : await imageSize(bytes);
    if (size === undefined) continue;
    const known = counts.get(`${size}`);
    if (known === undefined) counts.set(`${size}`, { size, count: 1 });
    else known.count++;
  }
  const all = [...counts.values()];
  if (all.length === 0) return null;
  const byArea = all.map(({ size }) => size).sort((a, b) => a[0] * a[1] - b[0] * b[1]);
  return {
    smallest: byArea[0],
    largest: byArea[byArea.length - 1],
    most: all.sort((a, b) => b.count - a.count).slice(0, 10),
  };
}
