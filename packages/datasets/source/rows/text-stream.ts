import { unpackedBytes } from '../unpacked-bytes.ts';

/** The encodings of text files, by their names in the WHATWG Encoding Standard. */
export const encodings = [
  'utf-8',
  'utf-16le',
  'utf-16be',
  'windows-1250',
  'windows-1251',
  'windows-1252',
  'iso-8859-2',
  'iso-8859-15',
  'koi8-r',
  'shift_jis',
  'euc-jp',
  'euc-kr',
  'big5',
  'gb18030',
] as const;
export type Encoding = (typeof encodings)[number];

/**
 * Reads a text file as chunks of UTF-8, without a byte-order mark. A file that begins as gzip does is unpacked. UTF-16 with
 * a byte-order mark is recognised whatever the encoding. Bytes that are not in the encoding become U+FFFD, except in UTF-8,
 * which passes as it is.
 *
 * @throws RangeError beyond the limit of unpacked bytes, and for a damaged gzip file; the errors of reading the file
 */
export function textStream(path: string, encoding: Encoding): AsyncGenerator<Buffer> {
  return asUtf8(unpackedBytes(path), encoding);
}

async function* asUtf8(chunks: AsyncIterable<Buffer>, encoding: Encoding): AsyncGenerator<Buffer> {
  let decode: ((chunk: Buffer | undefined) => string) | undefined;
  let begun = false;
  for await (const chunk of chunks) {
    if (begun) yield decode === undefined ? chunk : Buffer.from(decode(chunk));
    else {
      begun = true;
      const actual = encodingByMark(chunk) ?? encoding;
      if (actual !== 'utf-8') decode = decoder(actual);
      // The decoder drops a byte-order mark itself.
      const isMarked = chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf;
      if (decode !== undefined) yield Buffer.from(decode(chunk));
      else yield isMarked ? chunk.subarray(3) : chunk;
    }
  }
  if (decode !== undefined) yield Buffer.from(decode(undefined));
}

function encodingByMark(chunk: Buffer): Encoding | undefined {
  if (chunk[0] === 0xff && chunk[1] === 0xfe) return 'utf-16le';
  return chunk[0] === 0xfe && chunk[1] === 0xff ? 'utf-16be' : undefined;
}

/** Returns a function that decodes chunk after chunk, and at the end `undefined`. */
function decoder(encoding: Encoding): (chunk: Buffer | undefined) => string {
  if (encoding === 'windows-1252') return (chunk) => (chunk === undefined ? '' : windows1252(chunk));
  const decoding = new TextDecoder(encoding);
  return (chunk) => decoding.decode(chunk, { stream: chunk !== undefined });
}

/** Bytes 0x80 to 0x9f of windows-1252. The TextDecoder of some releases of Node.js decodes them as ISO 8859-1. */
const high = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

function windows1252(chunk: Buffer): string {
  return chunk.toString('latin1').replace(/[\u0080-\u009f]/g, (byte) => high[byte.charCodeAt(0) - 0x80]);
}
