import sharp from 'sharp';

/** A guard against images that are small as files and enormous as pixels. */
const MAX_PIXELS = 50_000_000;

/**
 * Decodes at a time. sharp runs each on libuv's pool (four threads); a few more keep that pool fed while
 * JavaScript copies pixels. One libvips thread an image: many small images gain nothing from more.
 */
export const DECODES_AT_ONCE = 8;
sharp.concurrency(1);
sharp.cache(false);

const options = { limitInputPixels: MAX_PIXELS, failOn: 'error' } as const;

/** `[height, width]` from the header alone; undefined when there is no image in the bytes. */
export async function imageSize(bytes: Buffer): Promise<[number, number] | undefined> {
  try {
    const { height, width } = await sharp(bytes, options).metadata();
    return [height, width];
  } catch {
    return undefined;
  }
}

/**
 * RGB bytes `[height, width, 3]`: grey is spread over the channels, an alpha channel dropped, the first frame of an
 * animation taken, another size resized without keeping its proportions.
 */
export async function decodeRgb(
  bytes: Buffer,
  [height, width]: readonly [number, number],
): Promise<Uint8Array> {
  const pixels = await sharp(bytes, options)
    .resize(width, height, { fit: 'fill' })
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer();
  if (pixels.length !== height * width * 3) throw new RangeError(`${pixels.length} bytes of pixels`);
  return pixels;
}
