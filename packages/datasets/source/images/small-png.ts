import { crc32, inflateSync } from 'node:zlib';

const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
/** Chunks that change what is shown: another animation, a rotation, transparency. */
const refused = ['acTL', 'eXIf', 'tRNS'];

/** The size of a PNG, by its first chunk; undefined for other bytes. */
export function pngSize(bytes: Buffer): { width: number; height: number } | undefined {
  if (bytes.length < 33 || !bytes.subarray(0, 8).equals(signature)) return undefined;
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

/**
 * Decodes an opaque PNG of at most 8 bits a channel, not interlaced, to red, green and blue.
 *
 * @returns `[height, width, 3]`; undefined for a PNG of another kind, or a damaged one
 */
export function decodePlainPng(bytes: Buffer): Uint8Array | undefined {
  const chunks = chunksOf(bytes);
  if (chunks === undefined) return undefined;
  const { header, palette, data } = chunks;
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const [bits, colour] = [header[8], header[9]];
  const channels = colour === 2 ? 3 : 1;
  const isPlain = header[10] === 0 && header[11] === 0 && header[12] === 0;
  const isKnown = colour === 2 ? bits === 8 : (colour === 0 || colour === 3) && [1, 2, 4, 8].includes(bits);
  if (!isPlain || !isKnown || (colour === 3 && palette === undefined)) return undefined;
  const stride = Math.ceil((width * channels * bits) / 8);
  const rows = unpack(Buffer.concat(data), height * (stride + 1));
  if (rows === undefined || !unfilter(rows, stride, height, channels)) return undefined;
  const pixels = new Uint8Array(width * height * 3);
  if (colour === 2) {
    for (let row = 0; row < height; row++)
      pixels.set(rows.subarray(row * (stride + 1) + 1, (row + 1) * (stride + 1)), row * stride);
    return pixels;
  }
  const [mask, largest] = [(1 << bits) - 1, (1 << bits) - 1];
  for (let row = 0, to = 0; row < height; row++) {
    const start = row * (stride + 1) + 1;
    for (let x = 0; x < width; x++, to += 3) {
      const bit = x * bits;
      const value = (rows[start + (bit >> 3)] >> (8 - bits - (bit & 7))) & mask;
      if (palette === undefined) pixels.fill((value * 255) / largest, to, to + 3);
      else if (3 * value + 2 >= palette.length) return undefined;
      else pixels.set(palette.subarray(3 * value, 3 * value + 3), to);
    }
  }
  return pixels;
}

function chunksOf(bytes: Buffer): { header: Buffer; palette?: Buffer; data: Buffer[] } | undefined {
  const data: Buffer[] = [];
  let header: Buffer | undefined;
  let palette: Buffer | undefined;
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    const end = at + 8 + length;
    if (end + 4 > bytes.length || crc32(bytes.subarray(at + 4, end)) !== bytes.readUInt32BE(end))
      return undefined;
    const type = bytes.toString('latin1', at + 4, at + 8);
    const body = bytes.subarray(at + 8, end);
    if (refused.includes(type)) return undefined;
    if (type === 'IHDR') header = body;
    else if (type === 'PLTE') palette = body;
    else if (type === 'IDAT') data.push(body);
    else if (type === 'IEND')
      return header?.length === 13 ? { header, ...(palette && { palette }), data } : undefined;
    at = end + 4;
  }
  return undefined;
}

function unpack(data: Buffer, length: number): Buffer | undefined {
  try {
    const rows = inflateSync(data, { maxOutputLength: length });
    return rows.length === length ? rows : undefined;
  } catch {
    return undefined;
  }
}

/** Undoes the filters of all rows in place; false for an unknown one. */
function unfilter(rows: Buffer, stride: number, height: number, channels: number): boolean {
  for (let row = 0; row < height; row++) {
    const start = row * (stride + 1) + 1;
    const above = start - stride - 1;
    const filter = rows[start - 1];
    if (filter > 4) return false;
    if (filter === 0) continue;
    for (let x = 0; x < stride; x++) {
      const left = x < channels ? 0 : rows[start + x - channels];
      const up = row === 0 ? 0 : rows[above + x];
      const corner = row === 0 || x < channels ? 0 : rows[above + x - channels];
      const guess =
        filter === 1 ? left : filter === 2 ? up : filter === 3 ? (left + up) >> 1 : paeth(left, up, corner);
      rows[start + x] = (rows[start + x] + guess) & 255;
    }
  }
  return true;
}

/** The neighbour that is nearest to left + up − corner. */
function paeth(left: number, up: number, corner: number): number {
  const toLeft = Math.abs(up - corner);
  const toUp = Math.abs(left - corner);
  const toCorner = Math.abs(left + up - 2 * corner);
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}
