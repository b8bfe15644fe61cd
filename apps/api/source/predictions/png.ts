import { crc32, deflateSync } from 'node:zlib';

interface Size {
  height: number;
  width: number;
  channels: number;
}

const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** The colour types of PNG by the number of channels: grey, grey with alpha, RGB, RGBA. */
const colourTypes = [0, 4, 2, 6];

/**
 * Encodes pixels as PNG (RFC 2083) with 8 bits for each channel, unfiltered.
 *
 * @param pixels `[height, width, channels]`; of more than four channels, the first is shown in grey
 */
export function encodePng(pixels: Uint8Array, { height, width, channels }: Size): Uint8Array {
  const shown = channels <= 4 ? channels : 1;
  const line = 1 + width * shown;
  // Each line begins with its filter: 0, none.
  const lines = new Uint8Array(height * line);
  for (let y = 0; y < height; y++) {
    for (let i = 0; i < width * shown; i++) {
      const pixel = y * width + Math.floor(i / shown);
      lines[y * line + 1 + i] = pixels[pixel * channels + (i % shown)];
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  header[9] = colourTypes[shown - 1];
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(lines)),
    chunk('IEND', new Uint8Array(0)),
  ]);
}

function chunk(type: string, data: Uint8Array): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(typed));
  return Buffer.concat([length, typed, check]);
}
