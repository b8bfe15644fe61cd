import { png, writeFiles } from './fixtures.ts';

/** Writes a folder of images for `image_folder`, of the classes `dark` and `light`, so many of each in each split. */
export async function writeImages(folder: string, counts: { train: number; test: number }): Promise<void> {
  const files: Record<string, Buffer> = {};
  for (const [split, count] of Object.entries(counts)) {
    for (let i = 0; i < count; i++) {
      files[`${split}/dark/${i}.png`] = await png(i, 2 * i, 40, 16, 16);
      files[`${split}/light/${i}.png`] = await png(200 - i, 255 - i, 150, 16, 16);
    }
  }
  await writeFiles(folder, files);
}
