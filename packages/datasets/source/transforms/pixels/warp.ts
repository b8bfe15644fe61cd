import type { Interpolation } from './fill.ts';

/** An affine map from positions in the result to positions in the image: `[xx, xy, x0, yx, yy, y0]`, in pixels. */
export type AffineMap = readonly [number, number, number, number, number, number];

/** How pixels are found that a map does not hit exactly, and the value of those outside of the image. */
export interface Sampling {
  interpolation: Interpolation;
  /** 0 to 255, in every channel. */
  fill: number;
}

/**
 * Samples an image through an affine map. The centre of the first pixel is at (0.5, 0.5). With `bilinear`, pixels outside of
 * the image have the fill's value in the mean.
 *
 * @param shape `[height, width, channels]`
 * @param into another array than the image
 */
export function warp(
  image: Uint8Array,
  shape: readonly number[],
  map: AffineMap,
  { interpolation, fill }: Sampling,
  into: Uint8Array,
): void {
  if (interpolation === 'nearest') nearest(image, shape, map, fill, into);
  else bilinear(image, shape, map, fill, into);
}

function nearest(
  image: Uint8Array,
  [height, width, channels]: readonly number[],
  [xx, xy, x0, yx, yy, y0]: AffineMap,
  fill: number,
  into: Uint8Array,
): void {
  let to = 0;
  for (let row = 0; row < height; row++) {
    const y = row + 0.5;
    for (let column = 0; column < width; column++, to += channels) {
      const x = column + 0.5;
      const u = Math.floor(xx * x + xy * y + x0);
      const v = Math.floor(yx * x + yy * y + y0);
      if (u < 0 || v < 0 || u >= width || v >= height) {
        for (let channel = 0; channel < channels; channel++) into[to + channel] = fill;
        continue;
      }
      const from = (v * width + u) * channels;
      for (let channel = 0; channel < channels; channel++) into[to + channel] = image[from + channel];
    }
  }
}

function bilinear(
  image: Uint8Array,
  [height, width, channels]: readonly number[],
  [xx, xy, x0, yx, yy, y0]: AffineMap,
  fill: number,
  into: Uint8Array,
): void {
  const length = width * channels;
  let to = 0;
  for (let row = 0; row < height; row++) {
    const y = row + 0.5;
    for (let column = 0; column < width; column++, to += channels) {
      const x = column + 0.5;
      const u = xx * x + xy * y + x0 - 0.5;
      const v = yx * x + yy * y + y0 - 0.5;
      const left = Math.floor(u);
      const top = Math.floor(v);
      const right = u - left;
      const below = v - top;
      const from = (top * width + left) * channels;
      const hasLeft = left >= 0 && left < width;
      const hasRight = left >= -1 && left < width - 1;
      const hasTop = top >= 0 && top < height;
      const hasBelow = top >= -1 && top < height - 1;
      for (let channel = 0; channel < channels; channel++) {
        const at = from + channel;
        const a = hasTop && hasLeft ? image[at] : fill;
        const b = hasTop && hasRight ? image[at + channels] : fill;
        const c = hasBelow && hasLeft ? image[at + length] : fill;
        const d = hasBelow && hasRight ? image[at + length + channels] : fill;
        const upper = a + (b - a) * right;
        // Adding a half before the fraction is cut off rounds to the nearest byte.
        into[to + channel] = upper + (c + (d - c) * right - upper) * below + 0.5;
      }
    }
  }
}

/** Shears along the rows: each row is moved by `share` of its distance from the upper edge. */
export function shearX(share: number): AffineMap {
  return [1, share, 0, 0, 1, 0];
}

/** Shears along the columns: each column is moved by `share` of its distance from the left edge. */
export function shearY(share: number): AffineMap {
  return [1, 0, 0, share, 1, 0];
}

/** Moves an image to the right and down, in pixels. */
export function translation(right: number, down: number): AffineMap {
  return [1, 0, -right, 0, 1, -down];
}

/** Turns an image about its centre, counter-clockwise, in degrees. */
export function rotation(degrees: number, [height, width]: readonly number[]): AffineMap {
  const angle = (degrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [x, y] = [width / 2, height / 2];
  return [cos, -sin, x - cos * x + sin * y, sin, cos, y - sin * x - cos * y];
}
