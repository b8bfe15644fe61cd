/** What a BMP file says before its pixels. */
export interface BmpHeader {
  width: number;
  height: number;
  /** Whether the first row is the upper one. */
  topDown: boolean;
  /** Bits of a pixel: 1, 2, 4, 8, 16, 24 or 32. */
  bits: number;
  /** Whether rows of colour indices are packed by run lengths. */
  runs: boolean;
  /** The bits of red, green, blue and alpha in a pixel of 16 or 32 bits; alpha 0: opaque. */
  masks: [number, number, number, number];
  /** `[colours, 3]`, red, green and blue; empty for pixels that are no indices. */
  palette: Uint8Array;
  /** Where the pixels begin. */
  pixelsAt: number;
}

const coreHeader = 12;
const knownHeaders = [coreHeader, 40, 52, 56, 64, 108, 124];
/** Numbers of the field `compression`. */
const [plain, runs8, runs4, fields] = [0, 1, 2, 3];

const masks16: BmpHeader['masks'] = [0x7c00, 0x03e0, 0x001f, 0];
const masks32: BmpHeader['masks'] = [0xff0000, 0xff00, 0xff, 0];

export function isBmp(bytes: Buffer): boolean {
  return bytes[0] === 0x42 && bytes[1] === 0x4d;
}

/**
 * Reads the header of a BMP file, of Windows from version 3 on or of OS/2.
 *
 * @throws RangeError for a header that is cut off, or of a kind that is not read
 */
export function bmpHeader(bytes: Buffer): BmpHeader {
  const size = bytes.length < 18 ? 0 : bytes.readUInt32LE(14);
  if (bytes.length < 14 + size) throw new RangeError('the BMP file ends within its header');
  if (!knownHeaders.includes(size))
    throw new RangeError(`the BMP file has an unknown header of ${size} bytes`);
  const isCore = size === coreHeader;
  const rows = isCore ? bytes.readUInt16LE(20) : bytes.readInt32LE(22);
  const width = isCore ? bytes.readUInt16LE(18) : bytes.readInt32LE(18);
  const bits = bytes.readUInt16LE(isCore ? 24 : 28);
  const compression = isCore ? plain : bytes.readUInt32LE(30);
  const colours = isCore ? 0 : bytes.readUInt32LE(46);
  if (width <= 0 || rows === 0) throw new RangeError(`the BMP file has the size ${rows}×${width}`);
  const runs = (compression === runs8 && bits === 8) || (compression === runs4 && bits === 4);
  const masked = compression === fields && (bits === 16 || bits === 32);
  if (![1, 2, 4, 8, 16, 24, 32].includes(bits) || !(compression === plain || runs || masked))
    throw new RangeError(
      `the BMP file has ${bits} bits a pixel in the compression ${compression}, which is not read`,
    );
  const pixelsAt = bytes.readUInt32LE(10);
  // Three masks follow a header of 40 bytes; longer ones contain them.
  const masksEnd = masked && size === 40 ? 66 : 14 + size;
  return {
    width,
    height: Math.abs(rows),
    topDown: rows < 0,
    bits,
    runs,
    masks: masked ? masksOf(bytes, size) : bits === 16 ? masks16 : masks32,
    palette: bits > 8 ? new Uint8Array() : paletteOf(bytes, masksEnd, colours || 1 << bits, isCore ? 3 : 4),
    pixelsAt,
  };
}

function masksOf(bytes: Buffer, size: number): BmpHeader['masks'] {
  if (bytes.length < 66) throw new RangeError('the BMP file ends within its header');
  const mask = (index: number) => bytes.readUInt32LE(54 + 4 * index);
  return [mask(0), mask(1), mask(2), size >= 56 ? mask(3) : 0];
}

/** Colours that are missing are black. */
function paletteOf(bytes: Buffer, at: number, colours: number, step: 3 | 4): Uint8Array {
  const palette = new Uint8Array(256 * 3);
  const count = Math.min(colours, 256, Math.floor((bytes.length - at) / step));
  for (let colour = 0; colour < count; colour++) {
    for (let channel = 0; channel < 3; channel++)
      palette[colour * 3 + channel] = bytes[at + colour * step + 2 - channel];
  }
  return palette;
}
