import sharp from 'sharp';
import { expect, test } from 'vitest';
import { encodePng } from './png.ts';

/** What a pixel is in red, green, blue and alpha, by its number of channels. */
const inColour: Record<number, (pixel: readonly number[]) => readonly number[]> = {
  1: ([grey]) => [grey, grey, grey],
  2: ([grey, alpha]) => [grey, grey, grey, alpha],
  3: (pixel) => pixel,
  4: (pixel) => pixel,
  5: ([first]) => [first, first, first],
};

test.each([1, 2, 3, 4, 5])('another decoder reads the pixels of %i channels', async (channels) => {
  const [height, width] = [5, 7];
  const all = Array.from({ length: height * width }, (_, i) =>
    Array.from({ length: channels }, (__, channel) => ((i * channels + channel) * 37) % 256),
  );
  const png = encodePng(Uint8Array.from(all.flat()), { height, width, channels });
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  expect([info.height, info.width]).toEqual([height, width]);
  expect([...data]).toEqual(all.flatMap(inColour[channels]));
});
