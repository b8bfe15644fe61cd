import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** The decoder of libjpeg-turbo as its module gives it. */
interface Decoder {
  getEncodedBuffer(bytes: number): Uint8Array;
  getDecodedBuffer(): Uint8Array;
  decode(): void;
}
type Library = (module: { wasmBinary: Uint8Array }) => Promise<{ JPEGDecoder: new () => Decoder }>;

const require = createRequire(import.meta.url);

/** Loads the decoder with the first image, because most processes decode none. */
export function smallJpegDecoder(): Promise<(bytes: Buffer) => Uint8Array | undefined> {
  loaded ??= openDecoder();
  return loaded;
}
let loaded: ReturnType<typeof openDecoder> | undefined;

async function openDecoder() {
  const open = require('@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs') as Library;
  const wasmBinary = readFileSync(require.resolve('@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasm'));
  const { JPEGDecoder } = await open({ wasmBinary });
  let decoder = new JPEGDecoder();
  /** Decodes a JPEG to bytes of one or three channels; undefined for one that is damaged. */
  return (bytes: Buffer): Uint8Array | undefined => {
    try {
      decoder.getEncodedBuffer(bytes.length).set(bytes);
      decoder.decode();
      return decoder.getDecodedBuffer();
    } catch {
      // The library throws numbers, and its decoder may keep half a state.
      decoder = new JPEGDecoder();
      return undefined;
    }
  };
}

/** What the header of a JPEG says about decoding it plainly. */
export interface JpegHeader {
  width: number;
  height: number;
  components: number;
  /** Whether it may ask for a rotation, by EXIF. */
  hasExif: boolean;
}

/** Reads the segments up to the frame's; undefined when the bytes are no JPEG, or end before it. */
export function jpegHeader(bytes: Buffer): JpegHeader | undefined {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return undefined;
  let hasExif = false;
  let at = 2;
  while (at + 9 < bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1];
    // Any number of these bytes may fill the space before a marker.
    if (marker === 0xff) at++;
    else if (isFrame(marker)) {
      const [height, width] = [bytes.readUInt16BE(at + 5), bytes.readUInt16BE(at + 7)];
      return { width, height, components: bytes[at + 9], hasExif };
    } else if (marker >= 0xd0 && marker <= 0xd8) at += 2;
    else {
      hasExif ||= marker === 0xe1 && bytes.toString('latin1', at + 4, at + 8) === 'Exif';
      at += 2 + bytes.readUInt16BE(at + 2);
    }
  }
  return undefined;
}

/** The markers of frames are C0 to CF, but for those of tables (C4, CC) and the reserved C8. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}
