import type { RawImage } from './raw-image.ts';

/** The number of components that a JPEG's header names; 0 when the bytes are no JPEG, or end before it. */
export function jpegComponents(bytes: Buffer): number {
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return 0;
  let at = 2;
  while (at + 9 < bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1];
    // Any number of these bytes may fill the space before a marker.
    if (marker === 0xff) at++;
    else if (isFrame(marker)) return bytes[at + 9];
    else if (marker >= 0xd0 && marker <= 0xd8) at += 2;
    else at += 2 + bytes.readUInt16BE(at + 2);
  }
  return 0;
}

/** The markers of frames are C0 to CF, but for those of tables (C4, CC) and the reserved C8. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/**
 * Converts inks to red, green and blue as Pillow does, by multiplication: no profile of a printing press is applied.
 *
 * @param inks `[height, width, 4]`, cyan, magenta, yellow and black; 255 is full ink
 */
export function fromCmyk(inks: Uint8Array, { width, height }: { width: number; height: number }): RawImage {
  const pixels = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; from < inks.length; from += 4) {
    const paper = 255 - inks[from + 3];
    for (let ink = 0; ink < 3; ink++) {
      // Rounds inks × paper / 255 without a division, as Pillow does.
      const product = inks[from + ink] * paper + 128;
      pixels[to++] = paper - ((product + (product >> 8)) >> 8);
    }
  }
  return { width, height, channels: 3, pixels };
}
