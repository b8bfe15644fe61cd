/**
 * Copies an image through a window that is moved `down` and `right`, in pixels, and then mirrored left to right.
 *
 * @param image `[height, width, channels]`
 * @param fill the value of pixels outside the image. Default: 0, which is black, because images are cropped before they are
 *   normalised
 * @param into receives the result; it has the image's length and is overwritten completely
 */
export function sampleShifted(
  image: Uint8Array,
  [height, width, channels]: readonly number[],
  { mirrored, down, right, fill = 0 }: { mirrored: boolean; down: number; right: number; fill?: number },
  into: Uint8Array,
): void {
  const row = width * channels;
  // The columns of the result whose source is inside the image.
  const [first, end] = mirrored
    ? [Math.max(0, right), Math.min(width, width + right)]
    : [Math.max(0, -right), Math.min(width, width - right)];
  if (down !== 0 || right !== 0) into.fill(fill);
  if (first >= end) return;
  for (let y = Math.max(0, -down); y < Math.min(height, height - down); y++) {
    const from = (y + down) * row;
    const to = y * row;
    if (!mirrored) {
      const source = from + (first + right) * channels;
      into.set(image.subarray(source, source + (end - first) * channels), to + first * channels);
      continue;
    }
    for (let x = first; x < end; x++) {
      const source = from + (width - 1 - x + right) * channels;
      const target = to + x * channels;
      for (let channel = 0; channel < channels; channel++) into[target + channel] = image[source + channel];
    }
  }
}
