import type sharp from 'sharp';

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

const options = { limitInputPixels: MAX_PIXELS, failOn: 'error' } as const;

/** What shows through transparent pixels: the paper that most drawings are meant for. */
const background = '#ffffff';

/** EXIF orientations from this one on turn an image by a quarter, which swaps its height and width. */
const firstQuarterTurn = 5;

/** Reads `[height, width]` of an image as it is shown, upright, from its header; undefined when the bytes are not an image. */
export async function imageSize(bytes: Buffer): Promise<[number, number] | undefined> {
  const open = await decoder();
  try {
    const { height, width, orientation = 1 } = await open(bytes, options).metadata();
    return orientation >= firstQuarterTurn ? [width, height] : [height, width];
  } catch {
    return undefined;
  }
}

/**
 * Decodes an image to RGB bytes, `[height, width, 3]`. It is turned upright as its EXIF orientation asks, transparent pixels show
 * white, grey images get three equal channels, an animation gives its first frame, and other sizes are scaled without keeping the
 * proportions.
 */
export async function decodeRgb(
  bytes: Buffer,
  [height, width]: readonly [number, number],
): Promise<Uint8Array> {
  const open = await decoder();
  const pixels = await open(bytes, options)
    .rotate()
    .resize(width, height, { fit: 'fill' })
    .flatten({ background })
    .toColourspace('srgb')
    .raw()
    .toBuffer();
  if (pixels.length !== height * width * 3)
    throw new RangeError(`decodes to ${pixels.length} bytes, expected ${height * width * 3}`);
  return pixels;
}
