/**
 * The element types of tensors in files, under their names in safetensors, with the array that holds each. Node has no
 * array of 16-bit floats in every version that we support, so F16 and BF16 are kept as bits; see `fromFloat16`.
 */
export const dtypes = {
  F32: { bytes: 4, array: Float32Array },
  F16: { bytes: 2, array: Uint16Array },
  BF16: { bytes: 2, array: Uint16Array },
  I64: { bytes: 8, array: BigInt64Array },
  I32: { bytes: 4, array: Int32Array },
  U8: { bytes: 1, array: Uint8Array },
} as const;

export type DType = keyof typeof dtypes;

export type TensorData = Float32Array | Uint16Array | BigInt64Array | Int32Array | Uint8Array;

export function isDType(value: unknown): value is DType {
  return typeof value === 'string' && Object.hasOwn(dtypes, value);
}

/** Returns the number of elements of a shape, or undefined where it is not a list of whole numbers with an exact product. */
export function elementCount(shape: unknown): number | undefined {
  if (!Array.isArray(shape)) return undefined;
  let count = 1;
  for (const length of shape) {
    if (!Number.isSafeInteger(length) || length < 0) return undefined;
    count *= length;
    if (!Number.isSafeInteger(count)) return undefined;
  }
  return count;
}
