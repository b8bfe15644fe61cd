/** Two tables of position embeddings of vision transformers: squares of patches behind the same first tokens. */
export interface Grids {
  /** The tokens before the patches: those of the class and of distillation. */
  before: number;
  /** The side of the square of the source, in patches. */
  from: number;
  /** The side of the square of the network. */
  to: number;
}

/**
 * Returns how a table of positions is resized for a network with another number of patches; undefined if the shapes are equal, or
 * are not those of such tables.
 *
 * @param source `[1, before + from², width]`
 * @param own `[1, before + to², width]`
 * @param before the tokens before the patches
 */
export function gridsOf(
  source: readonly number[],
  own: readonly number[],
  before: number,
): Grids | undefined {
  const [from, to] = [source, own].map((shape) => Math.sqrt(shape[1] - before));
  const isTable = (shape: readonly number[]) => shape.length === 3 && shape[0] === 1;
  const fits = isTable(source) && isTable(own) && source[2] === own[2] && from !== to;
  return fits && [from, to].every((side) => Number.isInteger(side) && side > 0)
    ? { before, from, to }
    : undefined;
}

/**
 * Resizes a table of positions by bicubic interpolation, as ViT code does to fine-tune at another size of images (Dosovitskiy et
 * al., 2021, section 3.2): PyTorch's `interpolate(mode='bicubic', align_corners=False)`. The first tokens stay.
 *
 * @param table `[before + from², width]`
 * @returns `[before + to², width]`
 */
export function resizedPositions(
  table: Float32Array,
  width: number,
  { before, from, to }: Grids,
): Float32Array {
  const resized = new Float32Array((before + to * to) * width);
  resized.set(table.subarray(0, before * width));
  const places = Array.from({ length: to }, (_, index) => weighted(index, from, to));
  for (const [y, rows] of places.entries()) {
    for (const [x, columns] of places.entries()) {
      const at = (before + y * to + x) * width;
      for (let channel = 0; channel < width; channel++) {
        let sum = 0;
        for (const [row, vertical] of rows)
          for (const [column, horizontal] of columns)
            sum += vertical * horizontal * table[(before + row * from + column) * width + channel];
        resized[at + channel] = sum;
      }
    }
  }
  return resized;
}

/** PyTorch's coefficient of cubic convolution (Keys, 1981). */
const a = -0.75;

/** The four places along an axis that a resized place consists of, with their weights. Places beyond an edge are the edge. */
function weighted(index: number, from: number, to: number): [number, number][] {
  const place = ((index + 0.5) * from) / to - 0.5;
  const first = Math.floor(place);
  return [-1, 0, 1, 2].map((offset) => [
    Math.min(Math.max(first + offset, 0), from - 1),
    cubic(Math.abs(place - first - offset)),
  ]);
}

function cubic(distance: number): number {
  if (distance <= 1) return ((a + 2) * distance - (a + 3)) * distance * distance + 1;
  return distance < 2 ? ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a : 0;
}
