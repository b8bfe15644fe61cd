import type { RawImage } from './raw-image.ts';

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
