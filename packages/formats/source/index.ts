export type { DType, TensorData } from './dtypes.ts';
export { fromFloat16, toFloat16 } from './float16.ts';
export { type Permuted, permute } from './permute.ts';
export {
  decodeSafetensors,
  encodeSafetensors,
  type NamedTensor,
  type Safetensors,
  type Tensor,
} from './safetensors.ts';
