import type sharp from 'sharp';
import type { Sharp } from 'sharp';
import { decodeBmp } from './bmp.ts';
import { bmpHeader, isBmp } from './bmp-header.ts';
import { fromCmyk } from './cmyk.ts';
import { imageFormat } from './image-format.ts';
import type { ImageTarget } from './image-options.ts';
import { decodeSmallImage } from './small-image.ts';
import { jpegHeader } from './small-jpeg.ts';
import type { RawImage } from './raw-image.ts';

/** The most pixels of an image that is decoded: a small file can hold an enormous image. */
const MAX_PIXELS = 50_000_000;

/**
 * The number of images that are decoded at a time. sharp decodes on libuv's pool of four threads; a few more images keep
 * the pool busy while JavaScript copies pixels. Each image uses one thread of libvips, as small images gain nothing from
 * more.
 */
export const DECODES_AT_ONCE = 8;

/** Loads sharp with the first image, because most processes decode none. */
function decoder(): Promise<typeof sharp> {
  loaded ??= import('sharp').then(({ default: library }) => {
    library.concurrency(1);
    library.cache(false);
    return library;
  });
  return loaded;
}
let loaded: Promise<typeof sharp> | undefined;

/** Embedded colour profiles are ignored, as by Pillow and torchvision, whose pixels trained most networks. */
const options = { limitInputPixels: MAX_PIXELS, failOn: 'error', ignoreIcc: true } as const;

/** EXIF orientations from this one on turn an image by a quarter, which swaps its height and width. */
const firstQuarterTurn = 5;

/** Reads `[height, width]` of an image as it is shown, upright, from its header; undefined when the bytes are not an image. */
export async function imageSize(bytes: Buffer): Promise<[number, number] | undefined> {
  try {
    if (isBmp(bytes)) {
      const { height, width } = bmpHeader(bytes);
      return [height, width];
    }
    const open = await decoder();
    const { height, width, orientation = 1 } = await open(bytes, options).metadata();
    return orientation >= firstQuarterTurn ? [width, height] : [height, width];
  } catch {
    return undefined;
  }
}

/**
 * Decodes an image to bytes, `[height, width, channels]`. It is turned upright as its EXIF orientation asks, transparent pixels
 * show the background, grey images get three equal channels, and an animation gives its first frame.
 *
 * @throws Error with the reason when the bytes are no image that can be decoded
 */
export async function decodeImage(bytes: Buffer, target: ImageTarget): Promise<Uint8Array> {
  const small = await decodeSmallImage(bytes, target.size);
  if (small !== undefined) return target.channels === 1 ? greyOf(small) : small;
  const open = await decoder();
  if (isBmp(bytes))
    return await alone(async () => shaped(opened(decodeBmp(bytes, MAX_PIXELS), open), target));
  if (await isCmyk(bytes, open))
    return await alone(async () => shaped(opened(await cmykImage(bytes, open), open), target));
  return await shaped(open(bytes, options).rotate(), target);
}

type Open = typeof sharp;

function opened({ pixels, width, height, channels }: RawImage, open: Open): Sharp {
  return open(pixels, { ...options, raw: { width, height, channels } });
}

async function shaped(image: Sharp, { size, fit, background, channels }: ImageTarget) {
  const [height, width] = size;
  const pixels = await image
    .resize(width, height, { fit: fits[fit], background })
    .flatten({ background })
    .toColourspace('srgb')
    .raw()
    .toBuffer();
  if (pixels.length !== height * width * 3)
    throw new RangeError(`decodes to ${pixels.length} bytes, expected ${height * width * 3}`);
  return channels === 1 ? greyOf(pixels) : pixels;
}

async function isCmyk(bytes: Buffer, open: Open): Promise<boolean> {
  if (imageFormat(bytes) !== 'TIFF') return jpegHeader(bytes)?.components === 4;
  return (await open(bytes, options).metadata()).space === 'cmyk';
}

/** Reads the inks of an image, upright. libvips would convert them with the profile of a printing press. */
async function cmykImage(bytes: Buffer, open: Open): Promise<RawImage> {
  const { data, info } = await open(bytes, options)
    .rotate()
    .pipelineColourspace('cmyk')
    .toColourspace('cmyk')
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 4) throw new RangeError(`has ${info.channels} inks, expected 4`);
  return fromCmyk(data, info);
}

/** Runs steps one after another, as images that are held in memory at their full size are large. */
function alone<T>(step: () => Promise<T>): Promise<T> {
  const result = last.then(step);
  last = result.catch(() => {});
  return result;
}
let last: Promise<unknown> = Promise.resolve();

/** What sharp calls them. */
const fits = { squash: 'fill', crop: 'cover', letterbox: 'contain' } as const;

/** The luma of ITU-R BT.601, in the fixed-point numbers that Pillow uses: three equal channels keep their value. */
function greyOf(pixels: Uint8Array): Uint8Array {
  const grey = new Uint8Array(pixels.length / 3);
  for (let i = 0, at = 0; i < grey.length; i++, at += 3) {
    grey[i] = (19595 * pixels[at] + 38470 * pixels[at + 1] + 7471 * pixels[at + 2] + 0x8000) >> 16;
  }
  return grey;
}
