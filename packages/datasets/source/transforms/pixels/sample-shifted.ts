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
    let source = from + (width - 1 - first + right) * channels;
    const last = to + end * channels;
    // Most images have three channels: a loop over them would take most of the time.
    if (channels === 3) {
      for (let target = to + 3 * first; target < last; target += 3, source -= 3) {
        into[target] = image[source];
        into[target + 1] = image[source + 1];
        into[target + 2] = image[source + 2];
      }
      continue;
    }
    for (let target = to + first * channels; target < last; target += channels, source -= channels) {
      for (let channel = 0; channel < channels; channel++) into[target + channel] = image[source + channel];
    }
  }
}
