import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { decodeSmallImage } from './small-image.ts';

const folder = join(import.meta.dirname, '../testing/images');
const { images } = JSON.parse(readFileSync(join(folder, 'pillow.json'), 'utf8')) as {
  images: Record<string, { size: [number, number]; pixels: string }>;
};
const fixture = (name: string) => readFileSync(join(folder, name));

test.each([
  'plain.jpg',
  'sharp-colours.jpg',
  'progressive.jpg',
  'grey.jpg',
  'profile.jpg',
  'plain.png',
  'palette.png',
  'one-bit.png',
])('%s is decoded without sharp, to the pixels of Pillow', async (name) => {
  const { size, pixels } = images[name];
  expect(Buffer.from((await decodeSmallImage(fixture(name), size)) ?? [])).toEqual(
    Buffer.from(pixels, 'base64'),
  );
});

test.each([
  'turned.jpg',
  'cmyk.jpg',
  'ycck.jpg',
  'alpha.png',
  'grey-alpha.png',
  'palette-alpha.png',
  'plain.gif',
  '24-bits.bmp',
])('%s is left to the other decoders', async (name) => {
  expect(await decodeSmallImage(fixture(name), images[name].size)).toBeUndefined();
});

/** Noise and ramps: each row then has another filter that packs it best. */
const rows = Buffer.from(
  Array.from({ length: 40 * 30 * 3 }, (_, i) => (i * i * 7 + (i % 900 < 450 ? 0 : i)) & 255),
);

test.each([1, 3] as const)(
  'a PNG with every filter, and a JPEG, of %i channels equal those of sharp',
  async (channels) => {
    const raw = { width: 40, height: 30, channels };
    const given = sharp(rows.subarray(0, 1200 * channels), { raw }).toColourspace(
      channels === 1 ? 'b-w' : 'srgb',
    );
    for (const bytes of [
      await given.clone().png({ adaptiveFiltering: true }).toBuffer(),
      await given
        .clone()
        .png({ palette: channels === 3, colours: 16 })
        .toBuffer(),
      await given.clone().jpeg({ quality: 80 }).toBuffer(),
      await given.clone().jpeg({ progressive: true, chromaSubsampling: '4:4:4' }).toBuffer(),
    ]) {
      const wanted = await sharp(bytes).toColourspace('srgb').raw().toBuffer();
      expect(Buffer.from((await decodeSmallImage(bytes, [30, 40])) ?? [])).toEqual(wanted);
    }
  },
);

test('images of another size, interlaced, deep and damaged ones are left to sharp', async () => {
  const given = sharp(rows, { raw: { width: 40, height: 30, channels: 3 } });
  const [png, jpeg] = [await given.clone().png().toBuffer(), await given.clone().jpeg().toBuffer()];
  const flipped = Buffer.from(png);
  flipped[80] ^= 1;
  for (const bytes of [
    await given.clone().png({ progressive: true }).toBuffer(),
    await given.clone().toColourspace('rgb16').png().toBuffer(),
    flipped,
    png.subarray(0, png.length - 20),
    jpeg.subarray(0, 400),
    Buffer.from('text'),
  ])
    expect(await decodeSmallImage(bytes, [30, 40])).toBeUndefined();
  expect(await decodeSmallImage(png, [30, 41])).toBeUndefined();
  expect(await decodeSmallImage(jpeg, [31, 40])).toBeUndefined();
  // The decoder goes on after a damaged file.
  expect(await decodeSmallImage(jpeg, [30, 40])).toHaveLength(3600);
});
