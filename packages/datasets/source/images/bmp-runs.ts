import type { BmpHeader } from './bmp-header.ts';

const cutOff = 'the BMP file ends within its pixels';

/**
 * Unpacks the run lengths of a BMP file to colour indices, `[height, width]`, the first row of the file first. Pixels that it
 * leaves out have the index 0.
 *
 * @throws RangeError for a file that ends early
 */
export function unpackedRuns(
  bytes: Buffer,
  { width, height, bits, pixelsAt }: Pick<BmpHeader, 'width' | 'height' | 'bits' | 'pixelsAt'>,
): Uint8Array {
  const indices = new Uint8Array(width * height);
  let at = pixelsAt;
  let [x, y] = [0, 0];
  const next = () => {
    if (at >= bytes.length) throw new RangeError(cutOff);
    return bytes[at++];
  };
  const put = (index: number) => {
    // What is longer than a row is cut off.
    if (x < width) indices[y * width + x] = index;
    x++;
  };
  const nibble = (byte: number, place: number) => (place % 2 === 0 ? byte >> 4 : byte & 15);
  while (y < height) {
    const [count, value] = [next(), next()];
    if (count > 0) {
      for (let i = 0; i < count; i++) put(bits === 4 ? nibble(value, i) : value);
    } else if (value === 0) {
      [x, y] = [0, y + 1];
    } else if (value === 1) {
      return indices;
    } else if (value === 2) {
      x += next();
      y += next();
    } else {
      let byte = 0;
      for (let i = 0; i < value; i++) {
        if (bits === 8 || i % 2 === 0) byte = next();
        put(bits === 4 ? nibble(byte, i) : byte);
      }
      // Literal pixels fill an even number of bytes.
      at += (bits === 8 ? value : (value + 1) >> 1) % 2;
    }
    // The mark of the end may be missing after the last row.
    if (y === height - 1 && x >= width && at >= bytes.length) return indices;
  }
  return indices;
}
