import sharp, { type Sharp } from 'sharp';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { decodeImage, imageSize } from './decode-image.ts';
import { imageOptions, type ImageTarget } from './image-options.ts';

const defaults = z.object(imageOptions).parse({});
const decode = (bytes: Buffer, size: [number, number], given: Partial<ImageTarget> = {}) =>
  decodeImage(bytes, { ...defaults, size, ...given });

/** 3×2 pixels, each of another colour. */
const raw = { width: 3, height: 2, channels: 3 } as const;
const upright = Buffer.from([250, 0, 0, 0, 250, 0, 0, 0, 250, 250, 250, 0, 0, 250, 250, 250, 0, 250]);
const encode = (data: Buffer, shape: { width: number; height: number; channels: 1 | 3 | 4 }) =>
  sharp(data, { raw: shape });

/** The pixels as a camera stores them that is held so that the orientation turns them upright again. */
const stored: Record<number, (image: Sharp) => Sharp> = {
  1: (image) => image,
  2: (image) => image.flop(),
  3: (image) => image.rotate(180),
  4: (image) => image.flip(),
  6: (image) => image.rotate(270),
  8: (image) => image.rotate(90),
};

describe('a stored orientation', () => {
  test.each(Object.keys(stored).map(Number))('%i: the image is upright', async (orientation) => {
    const turned = await stored[orientation](encode(upright, raw)).png().toBuffer();
    const bytes = await sharp(turned).withMetadata({ orientation }).png().toBuffer();
    expect((await sharp(bytes).metadata()).orientation).toBe(orientation);
    expect(await imageSize(bytes)).toEqual([2, 3]);
    expect([...(await decode(bytes, [2, 3]))]).toEqual([...upright]);
  });
});

test('transparent pixels show white, half transparent ones a mixture', async () => {
  const pixels = Buffer.from([0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0, 128]);
  const bytes = await encode(pixels, { width: 3, height: 1, channels: 4 }).png().toBuffer();
  const [black, , , white, , , mixed] = await decode(bytes, [1, 3]);
  expect([black, white]).toEqual([0, 255]);
  expect(Math.abs(mixed - 127)).toBeLessThanOrEqual(1);
});

test('grey images have three equal channels, and other sizes are scaled', async () => {
  const bytes = await encode(Buffer.from([10, 200]), { width: 2, height: 1, channels: 1 })
    .png()
    .toBuffer();
  expect([...(await decode(bytes, [1, 2]))]).toEqual([10, 10, 10, 200, 200, 200]);
  expect(await decode(bytes, [4, 6])).toHaveLength(4 * 6 * 3);
});

describe('an image of other proportions', () => {
  // Red, green and blue side by side, four pixels each.
  const pixels = Buffer.from(
    [255, 0, 0, 0, 255, 0, 0, 0, 255].flatMap((_, i, all) =>
      i % 3 === 0 ? Array.from({ length: 4 }, () => all.slice(i, i + 3)).flat() : [],
    ),
  );
  const wide = () =>
    encode(Buffer.concat([pixels, pixels, pixels, pixels]), { width: 12, height: 4, channels: 3 })
      .png()
      .toBuffer();
  const row = (image: Uint8Array, at: number) => [...image.subarray(at * 12, at * 12 + 12)];

  test('is squashed', async () => {
    const image = await decode(await wide(), [4, 4]);
    expect(image.subarray(0, 3)[0]).toBeGreaterThan(200);
    expect(image.subarray(9, 12)[2]).toBeGreaterThan(200);
  });

  test('is cropped at both ends of its longer side', async () => {
    const image = await decode(await wide(), [4, 4], { fit: 'crop' });
    expect(row(image, 0)).toEqual(Array.from({ length: 4 }, () => [0, 255, 0]).flat());
  });

  test('is put between bars of the background', async () => {
    const image = await decode(await wide(), [4, 4], { fit: 'letterbox', background: '#102030' });
    const bar = Array.from({ length: 4 }, () => [0x10, 0x20, 0x30]).flat();
    expect([row(image, 0), row(image, 3)]).toEqual([bar, bar]);
    expect(row(image, 1)).not.toEqual(bar);
  });
});

test('transparent pixels show the background that is asked for', async () => {
  const bytes = await encode(Buffer.from([9, 9, 9, 0]), { width: 1, height: 1, channels: 4 })
    .png()
    .toBuffer();
  expect([...(await decode(bytes, [1, 1], { background: '#0a0b0c' }))]).toEqual([10, 11, 12]);
});

test("one channel has Pillow's grey values", async () => {
  // Image.convert('L') of these colours.
  const bytes = await encode(Buffer.from([250, 0, 0, 0, 250, 0, 0, 0, 250, 77, 77, 77]), {
    width: 4,
    height: 1,
    channels: 3,
  })
    .png()
    .toBuffer();
  expect([...(await decode(bytes, [1, 4], { channels: 1 }))]).toEqual([75, 147, 28, 77]);
});

test('16 bits of grey are scaled to 8', async () => {
  const pixels = Uint16Array.of(0, 0x8080, 0xffff);
  const bytes = await sharp(pixels, { raw: { width: 3, height: 1, channels: 1 } })
    .toColourspace('grey16')
    .png()
    .toBuffer();
  expect((await sharp(bytes).metadata()).depth).toBe('ushort');
  const [dark, , , middle, , , light] = await decode(bytes, [1, 3]);
  expect([dark, light]).toEqual([0, 255]);
  expect(Math.abs(middle - 128)).toBeLessThanOrEqual(1);
});

test('bytes that are no image have no size and are refused', async () => {
  expect(await imageSize(Buffer.from('no image'))).toBeUndefined();
  await expect(decode(Buffer.from('no image'), [1, 1])).rejects.toThrow('unsupported image format');
});
