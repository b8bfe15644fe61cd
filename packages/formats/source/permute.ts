/** A dense array with its dimensions, last one fastest. */
export interface Permuted {
  data: Float32Array;
  shape: number[];
}

/**
 * A transposed copy on the host: dimension `i` of the result is dimension `axes[i]` of the input, as in
 * `numpy.transpose`. A convolution kernel `[height, width, in, out]` becomes PyTorch's `[out, in, height, width]`
 * by `axes = [3, 2, 0, 1]`.
 * @throws RangeError where `shape` does not match `data`, or `axes` is not a permutation of its dimensions.
 */
export function permute(data: Float32Array, shape: readonly number[], axes: readonly number[]): Permuted {
  const size = shape.reduce((product, length) => product * length, 1);
  if (size !== data.length)
    throw new RangeError(`the shape [${shape.join()}] does not hold ${data.length} elements`);
  if (axes.length !== shape.length || [...axes].sort((a, b) => a - b).some((axis, index) => axis !== index)) {
    throw new RangeError(
      `[${axes.join()}] is not a permutation of the ${shape.length} axes of [${shape.join()}]`,
    );
  }

  const inputStrides = shape.map((_, axis) =>
    shape.slice(axis + 1).reduce((product, length) => product * length, 1),
  );
  const outShape = axes.map((axis) => shape[axis]);
  const out = new Float32Array(size);
  if (size === 0) return { data: out, shape: outShape };

  const strides = axes.map((axis) => inputStrides[axis]);
  const innerLength = outShape.at(-1) ?? 1;
  const innerStride = strides.at(-1) ?? 0;
  const position = axes.slice(1).fill(0);
  let from = 0;
  for (let to = 0; to < size; ) {
    for (let inner = 0; inner < innerLength; inner++) out[to++] = data[from + inner * innerStride]!;
    // The outer dimensions count up like an odometer; a wheel that turns over takes its distance back.
    for (let axis = position.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++position[axis] < outShape[axis]) break;
      from -= strides[axis] * outShape[axis];
      position[axis] = 0;
    }
  }
  return { data: out, shape: outShape };
}
