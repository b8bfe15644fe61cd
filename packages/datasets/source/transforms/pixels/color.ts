import { lookUp, tableOf } from './tables.ts';

/**
 * Changes of brightness, contrast and colour as torchvision and Pillow define them: a blend of the image with a plain one,
 * factor·image + (1 − factor)·plain, rounded to the nearest byte. A factor of 1 changes nothing. `into` may be the image.
 */
type Adjust = (image: Uint8Array, channels: number, factor: number, into: Uint8Array) => void;

/** The brightness of a pixel by the weights of ITU-R BT.601. */
const luma = (red: number, green: number, blue: number) => 0.299 * red + 0.587 * green + 0.114 * blue;

/** Blends with black. */
export const adjustBrightness: Adjust = (image, channels, factor, into) =>
  lookUp(
    image,
    channels,
    tableOf((byte) => factor * byte),
    into,
  );

/** Blends with the mean brightness of the image; images without three channels have the mean of all numbers. */
export const adjustContrast: Adjust = (image, channels, factor, into) => {
  const mean = meanBrightness(image, channels);
  lookUp(
    image,
    channels,
    tableOf((byte) => factor * byte + (1 - factor) * mean),
    into,
  );
};

/** Blends each pixel with its brightness; images without three channels have no colour and stay. */
export const adjustSaturation: Adjust = (image, channels, factor, into) => {
  if (channels !== 3) {
    into.set(image);
    return;
  }
  for (let i = 0; i < image.length; i += 3) {
    const red = image[i];
    const green = image[i + 1];
    const blue = image[i + 2];
    const grey = (1 - factor) * luma(red, green, blue);
    into[i] = byteOf(factor * red + grey);
    into[i + 1] = byteOf(factor * green + grey);
    into[i + 2] = byteOf(factor * blue + grey);
  }
};

/**
 * Turns the hue, in HSV, by a share of the circle, −0.5 to 0.5; images without three channels stay. `into` may be the image.
 */
export function turnHue(image: Uint8Array, channels: number, turn: number, into: Uint8Array): void {
  if (channels !== 3) {
    into.set(image);
    return;
  }
  for (let i = 0; i < image.length; i += 3) {
    const red = image[i];
    const green = image[i + 1];
    const blue = image[i + 2];
    const value = Math.max(red, green, blue);
    const range = value - Math.min(red, green, blue);
    if (range === 0) {
      into[i] = value;
      into[i + 1] = value;
      into[i + 2] = value;
      continue;
    }
    const sixth =
      value === red
        ? (green - blue) / range
        : value === green
          ? 2 + (blue - red) / range
          : 4 + (red - green) / range;
    const turned = sixth / 6 + turn + 2;
    const hue = turned - Math.floor(turned);
    // Each channel is a trapezoid over the circle of hues: 0 for a third of it, and the whole range for another third.
    into[i] = byteOf(value - range * trapezoid(hue * 6 + 5));
    into[i + 1] = byteOf(value - range * trapezoid(hue * 6 + 3));
    into[i + 2] = byteOf(value - range * trapezoid(hue * 6 + 1));
  }
}

/** @param position in sixths of the circle, below 12; the remainder of a division would take most of the time */
function trapezoid(position: number): number {
  const k = position >= 6 ? position - 6 : position;
  if (k >= 4) return 0;
  if (k >= 3) return 4 - k;
  return k < 1 ? k : 1;
}

/**
 * Blends with a smoothed image: the mean of each pixel, with weight 5, and its eight neighbours. Pixels at the edges stay.
 *
 * @param into another array than the image
 */
export function adjustSharpness(
  image: Uint8Array,
  [height, width, channels]: readonly number[],
  factor: number,
  into: Uint8Array,
): void {
  into.set(image);
  const row = width * channels;
  for (let y = 1; y < height - 1; y++) {
    const end = (y + 1) * row - channels;
    for (let i = y * row + channels; i < end; i++) {
      const around =
        image[i - row - channels] +
        image[i - row] +
        image[i - row + channels] +
        image[i - channels] +
        image[i + channels] +
        image[i + row - channels] +
        image[i + row] +
        image[i + row + channels];
      const smooth = Math.round((around + 5 * image[i]) / 13);
      into[i] = byteOf(factor * image[i] + (1 - factor) * smooth);
    }
  }
}

function meanBrightness(image: Uint8Array, channels: number): number {
  let sum = 0;
  if (channels === 3) {
    for (let i = 0; i < image.length; i += 3) sum += luma(image[i], image[i + 1], image[i + 2]);
    return (3 * sum) / image.length;
  }
  for (const byte of image) sum += byte;
  return sum / image.length;
}

function byteOf(value: number): number {
  return value <= 0 ? 0 : value >= 255 ? 255 : value + 0.5;
}
