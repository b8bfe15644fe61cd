/** A new value for each byte, in every channel alike or channel by channel: `[256]` or `[channels, 256]`. */
export type Table = Uint8Array;

/** Looks every byte of an image up in a table. `into` may be the image itself. */
export function lookUp(image: Uint8Array, channels: number, table: Table, into: Uint8Array): void {
  if (table.length === 256) {
    for (let i = 0; i < image.length; i++) into[i] = table[image[i]];
    return;
  }
  for (let channel = 0; channel < channels; channel++) {
    const base = channel * 256;
    for (let i = channel; i < image.length; i += channels) into[i] = table[base + image[i]];
  }
}

/** Fills a table with a function of the byte, rounded to the nearest whole number in 0 to 255. */
export function tableOf(value: (byte: number) => number, into: Table = new Uint8Array(256)): Table {
  for (let byte = 0; byte < 256; byte++) into[byte] = Math.min(255, Math.max(0, Math.round(value(byte))));
  return into;
}

/** Keeps the upper `bits` of each byte, 1 to 8. */
export function posterize(bits: number): Table {
  const mask = 256 - 2 ** (8 - bits);
  return tableOf((byte) => byte & mask);
}

/** Inverts the bytes from `threshold` on. */
export function solarize(threshold: number): Table {
  return tableOf((byte) => (byte >= threshold ? 255 - byte : byte));
}

/** Stretches each channel from its smallest and largest value to 0 and 255; a channel of one value stays. */
export function autoContrast(image: Uint8Array, channels: number): Table {
  return ofChannels(image, channels, (counts, into) => {
    const low = counts.findIndex((count) => count > 0);
    const high =
      255 -
      counts
        .slice()
        .reverse()
        .findIndex((count) => count > 0);
    tableOf((byte) => (low < high ? ((byte - low) * 255) / (high - low) : byte), into);
  });
}

/**
 * Equalises the histogram of each channel as Pillow's `ImageOps.equalize` does: a value becomes the number of pixels below it
 * divided by a step of (pixels − those of the largest value) / 255, all in whole numbers. A channel whose step is 0 stays.
 */
export function equalize(image: Uint8Array, channels: number): Table {
  return ofChannels(image, channels, (counts, into) => {
    const total = counts.reduce((sum, count) => sum + count, 0);
    const largest = counts.findLast((count) => count > 0) ?? 0;
    const step = Math.floor((total - largest) / 255);
    let below = 0;
    tableOf((byte) => {
      const value = step === 0 ? byte : Math.floor((below + Math.floor(step / 2)) / step);
      below += counts[byte];
      return value;
    }, into);
  });
}

/** Builds a table of each channel from the counts of its values. */
function ofChannels(
  image: Uint8Array,
  channels: number,
  fill: (counts: Uint32Array, into: Table) => void,
): Table {
  const table = new Uint8Array(channels * 256);
  for (let channel = 0; channel < channels; channel++) {
    const counts = new Uint32Array(256);
    for (let i = channel; i < image.length; i += channels) counts[image[i]]++;
    fill(counts, table.subarray(channel * 256, (channel + 1) * 256));
  }
  return table;
}
