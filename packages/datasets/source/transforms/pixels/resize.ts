/** A part of an image, in pixels. */
export interface Box {
  top: number;
  left: number;
  height: number;
  width: number;
}

/**
 * Creates a function that enlarges a part of an image to the size of the whole, with bilinear interpolation as Pillow,
 * OpenCV and torchvision have it: pixel centres at halves, the edge of the part repeated.
 *
 * @param shape `[height, width, channels]`
 */
export function resizer([height, width, channels]: readonly number[]) {
  const columns = new Int32Array(width);
  const shares = new Float64Array(width);
  // Two rows of the part, already as wide as the result: most rows of the result lie between the same two.
  const rows = [new Float64Array(width * channels), new Float64Array(width * channels)];
  return (image: Uint8Array, box: Box, into: Uint8Array): void => {
    for (let x = 0; x < width; x++) {
      const [first, share] = position(x, width, box.width);
      columns[x] = (box.left + first) * channels;
      shares[x] = share;
    }
    const last = (box.left + box.width - 1) * channels;
    const length = width * channels;
    const kept = [-1, -1];
    /** The row of the part, widened; rows next to each other have different buffers. */
    const widened = (row: number): Float64Array => {
      const buffer = rows[row % 2];
      if (kept[row % 2] !== row) widen(image, (box.top + row) * length, last, buffer);
      kept[row % 2] = row;
      return buffer;
    };
    let to = 0;
    for (let y = 0; y < height; y++) {
      const [first, below] = position(y, height, box.height);
      const upper = widened(first);
      const lower = widened(Math.min(first + 1, box.height - 1));
      for (let i = 0; i < length; i++) into[to++] = upper[i] + (lower[i] - upper[i]) * below + 0.5;
    }
  };

  function widen(image: Uint8Array, row: number, last: number, result: Float64Array): void {
    let to = 0;
    for (let x = 0; x < width; x++) {
      const left = columns[x];
      const right = left < last ? left + channels : left;
      const share = shares[x];
      for (let channel = 0; channel < channels; channel++) {
        const a = image[row + left + channel];
        result[to++] = a + (image[row + right + channel] - a) * share;
      }
    }
  }
}

/** The pixel before a position of the result, and the share of the pixel after it. */
function position(at: number, size: number, of: number): [number, number] {
  const exact = Math.max(0, Math.min(of - 1, ((at + 0.5) * of) / size - 0.5));
  const first = Math.floor(exact);
  return [first, exact - first];
}
