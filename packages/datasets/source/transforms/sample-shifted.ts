/**
 * Reads an image as a window over it that is moved `down` and `right`, in pixels, and after that mirrored left to right.
 * What lies outside is black, as it is when a crop comes before the normalisation.
 *
 * @param image `[height, width, channels]`
 * @param into of the same length, overwritten whole
 */
export function sampleShifted(
  image: Uint8Array,
  [height, width, channels]: readonly number[],
  { mirrored, down, right }: { mirrored: boolean; down: number; right: number },
  into: Uint8Array,
): void {
  const row = width * channels;
  // Columns of the result whose source lies inside the image.
  const [first, end] = mirrored
    ? [Math.max(0, right), Math.min(width, width + right)]
    : [Math.max(0, -right), Math.min(width, width - right)];
  if (down !== 0 || right !== 0) into.fill(0);
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
