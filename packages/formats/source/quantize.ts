/** Whole numbers from −127 to 127, and the scale of each slice: the value is the number times the scale. */
export interface Quantized {
  values: Int8Array;
  /** One for each index of the axis. */
  scales: Float32Array;
}

/**
 * Rounds a tensor to 8 bits, symmetrically around 0, with a scale for each slice along an axis: for each output channel of
 * a layer, because channels differ in range (Krishnamoorthi, 2018, arXiv:1806.08342). −128 is not used, so that the range is symmetric.
 *
 * @param data the values of `shape`, the last dimension fastest
 */
export function quantized(data: Float32Array, shape: readonly number[], axis: number): Quantized {
  const inner = shape.slice(axis + 1).reduce((product, extent) => product * extent, 1);
  const count = shape[axis];
  const scales = new Float32Array(count);
  const sliceOf = (index: number) => Math.floor(index / inner) % count;
  for (const [index, value] of data.entries()) {
    const slice = sliceOf(index);
    scales[slice] = Math.max(scales[slice], Math.abs(value));
  }
  // A slice of zeros gets any scale but 0, by which nothing can be divided.
  for (const [slice, largest] of scales.entries()) scales[slice] = largest === 0 ? 1 : largest / 127;
  const values = new Int8Array(data.length);
  for (const [index, value] of data.entries()) values[index] = Math.round(value / scales[sliceOf(index)]);
  return { values, scales };
}
