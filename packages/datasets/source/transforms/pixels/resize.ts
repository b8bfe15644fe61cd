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
  return (image: Uint8Array, box: Box, into: Uint8Array): void => {
    for (let x = 0; x < width; x++) {
      const [first, share] = position(x, width, box.width);
      columns[x] = (box.left + first) * channels;
      shares[x] = share;
    }
    const last = (box.left + box.width - 1) * channels;
    const row = width * channels;
    let to = 0;
    for (let y = 0; y < height; y++) {
      const [first, below] = position(y, height, box.height);
      const upper = (box.top + first) * row;
      const lower = (box.top + Math.min(first + 1, box.height - 1)) * row;
      for (let x = 0; x < width; x++) {
        const left = columns[x];
        const right = left < last ? left + channels : left;
        const share = shares[x];
        for (let channel = 0; channel < channels; channel++) {
          const a = image[upper + left + channel];
          const b = image[lower + left + channel];
          const above = a + (image[upper + right + channel] - a) * share;
          const beneath = b + (image[lower + right + channel] - b) * share;
          into[to++] = above + (beneath - above) * below + 0.5;
        }
      }
    }
  };
}

/** The pixel before a position of the result, and the share of the pixel after it. */
function position(at: number, size: number, of: number): [number, number] {
  const exact = Math.max(0, Math.min(of - 1, ((at + 0.5) * of) / size - 0.5));
  const first = Math.floor(exact);
  return [first, exact - first];
}
