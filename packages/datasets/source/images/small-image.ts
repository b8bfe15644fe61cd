import { jpegHeader, smallJpegDecoder } from './small-jpeg.ts';
import { decodePlainPng, pngSize } from './small-png.ts';

/** Larger images are decoded by sharp, on several threads; for smaller ones the call of sharp takes most of the time. */
const mostPixels = 128 * 128;

/**
 * Decodes an upright, opaque JPEG or PNG that is small and has the wanted size, to the pixels that sharp gives, several times as
 * fast.
 *
 * @param size `[height, width]`
 * @returns `[height, width, 3]`; undefined for an image of another kind or size, or a damaged one: sharp then says what is wrong
 */
export async function decodeSmallImage(
  bytes: Buffer,
  [height, width]: readonly [number, number],
): Promise<Uint8Array | undefined> {
  if (height * width > mostPixels) return undefined;
  const png = pngSize(bytes);
  if (png !== undefined)
    return png.height === height && png.width === width ? decodePlainPng(bytes) : undefined;
  const jpeg = jpegHeader(bytes);
  if (jpeg === undefined || jpeg.hasExif || jpeg.height !== height || jpeg.width !== width) return undefined;
  if (jpeg.components !== 1 && jpeg.components !== 3) return undefined;
  const decode = await smallJpegDecoder();
  const pixels = decode(bytes);
  const count = height * width;
  if (pixels?.length === 3 * count) return Uint8Array.from(pixels);
  return pixels?.length === count
    ? Uint8Array.from({ length: 3 * count }, (_, at) => pixels[(at / 3) | 0])
    : undefined;
}
