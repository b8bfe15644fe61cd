import sharp from 'sharp';
import { expect, test } from 'vitest';
import { encodePng } from './png.ts';

test.each([1, 2, 3, 4])('another decoder reads the pixels of %i channels', async (channels) => {
  const [height, width] = [5, 7];
  const pixels = Uint8Array.from({ length: height * width * channels }, (_, i) => (i * 37) % 256);
  const png = encodePng(pixels, { height, width, channels });
  const { data, info } = await sharp(png)
    .toColourspace(channels <= 2 ? 'b-w' : 'srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect([info.height, info.width, info.channels]).toEqual([height, width, channels]);
  expect(new Uint8Array(data)).toEqual(pixels);
});
