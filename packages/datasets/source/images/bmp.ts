import { type BmpHeader, bmpHeader } from './bmp-header.ts';
import { unpackedRuns } from './bmp-runs.ts';
import type { RawImage } from './raw-image.ts';

/**
 * Decodes a BMP file: indices of 1 to 8 bits, plain or packed by run lengths, and colours of 16, 24 and 32 bits. Alpha counts
 * where the header names its bits. sharp reads none, and the decoder of TensorFlow only three of the kinds.
 *
 * @param maximum the most pixels
 * @throws RangeError for a file that is cut off, too large, or of a kind that is not read
 */
export function decodeBmp(bytes: Buffer, maximum: number): RawImage {
  const header = bmpHeader(bytes);
  const { width, height, bits, masks } = header;
  if (width * height > maximum) throw new RangeError(`has ${width * height} pixels, more than ${maximum}`);
  const channels = masks[3] === 0 || bits < 16 ? 3 : 4;
  const pixels = new Uint8Array(width * height * channels);
  const paint = bits <= 8 ? indexed(bytes, header) : coloured(bytes, header);
  for (let row = 0; row < height; row++) {
    const start = (header.topDown ? row : height - 1 - row) * width * channels;
    paint(row, pixels.subarray(start, start + width * channels));
  }
  return { width, height, channels, pixels };
}

/** Writes a row of the file as colours. */
type Paint = (row: number, target: Uint8Array) => void;

/** Rows fill a multiple of four bytes. */
function strideOf(bytes: Buffer, { width, height, bits, pixelsAt }: BmpHeader): number {
  const stride = Math.ceil((width * bits) / 32) * 4;
  // The padding of the last row may be missing.
  if (pixelsAt + stride * (height - 1) + Math.ceil((width * bits) / 8) > bytes.length)
    throw new RangeError('the BMP file ends within its pixels');
  return stride;
}

function indexed(bytes: Buffer, header: BmpHeader): Paint {
  const { width, bits, palette, pixelsAt } = header;
  const copy = (index: number, target: Uint8Array, x: number) => {
    target[3 * x] = palette[3 * index];
    target[3 * x + 1] = palette[3 * index + 1];
    target[3 * x + 2] = palette[3 * index + 2];
  };
  if (header.runs) {
    const indices = unpackedRuns(bytes, header);
    return (row, target) => {
      for (let x = 0; x < width; x++) copy(indices[row * width + x], target, x);
    };
  }
  const stride = strideOf(bytes, header);
  const mask = (1 << bits) - 1;
  return (row, target) => {
    for (let x = 0; x < width; x++) {
      const bit = x * bits;
      const byte = bytes[pixelsAt + row * stride + (bit >> 3)];
      copy((byte >> (8 - bits - (bit & 7))) & mask, target, x);
    }
  };
}

function coloured(bytes: Buffer, header: BmpHeader): Paint {
  const { width, bits, masks, pixelsAt } = header;
  const stride = strideOf(bytes, header);
  const step = bits / 8;
  const parts = (masks[3] === 0 ? masks.slice(0, 3) : masks).map(scaled);
  return (row, target) => {
    for (let x = 0, at = pixelsAt + row * stride, to = 0; x < width; x++, at += step) {
      const pixel = bytes.readUIntLE(at, step);
      for (const part of parts) target[to++] = part(pixel);
    }
  };
}

/** Returns a function that takes a part of a pixel by its mask, scaled to 0 to 255 and rounded down, as Pillow does. */
function scaled(mask: number): (pixel: number) => number {
  if (mask === 0) return () => 0;
  const shift = 31 - Math.clz32(mask & -mask);
  const largest = mask >>> shift;
  return (pixel) => Math.floor((((pixel & mask) >>> shift) * 255) / largest);
}
