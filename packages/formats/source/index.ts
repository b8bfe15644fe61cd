export type { DType, TensorData } from './dtypes.ts';
export { fromFloat16, toFloat16 } from './float16.ts';
export type { Format, NamedTensor, Weights } from './format.ts';
export { formats, safetensors } from './formats/index.ts';
export { withOutputs } from './onnx/with-outputs.ts';
export { type Renamed, renamed } from './names/rename.ts';
export { type Permuted, permute } from './permute.ts';
export { inFloat32, readTensors, readWeights } from './read-weights.ts';
export { decodeSafetensors, encodeSafetensors, type Safetensors, type Tensor } from './safetensors/codec.ts';
