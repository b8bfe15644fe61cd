import { randomStream } from '@distillery/engine';
import sharp from 'sharp';
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

/** A JPEG of 640×480 pixels and about the size of a photograph: soft noise, which differs from index to index. */
export function photograph(index: number): Promise<Buffer> {
  const random = randomStream(index, 'photograph');
  const small = Uint8Array.from({ length: 80 * 60 * 3 }, () => Math.floor(random.uniform() * 256));
  return sharp(small, { raw: { width: 80, height: 60, channels: 3 } })
    .resize(640, 480)
    .jpeg({ quality: 90 })
    .toBuffer();
}
