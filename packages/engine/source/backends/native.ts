import * as tf from '@tensorflow/tfjs-core';

/**
 * Calls TensorFlow's operations by name. TensorFlow.js offers only a fraction of them and composes others slowly. Only
 * the files that register kernels for the `tensorflow` backend use this file.
 */

/** TensorFlow's numbers of the data types that this package uses. */
export const types = { float32: 1, int32: 3, bool: 10, bfloat16: 14 } as const;

/** The functions of the package's addon. It names tensors by numbers. */
export interface Binding {
  TF_ATTR_STRING: number;
  TF_ATTR_INT: number;
  TF_ATTR_FLOAT: number;
  TF_ATTR_BOOL: number;
  TF_ATTR_TYPE: number;
  TF_ATTR_SHAPE: number;
  createTensor(shape: readonly number[], dtype: number, values: tf.BackendValues): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): tf.BackendValues;
  executeOp(
    name: string,
    attributes: readonly Attribute[],
    inputs: readonly number[],
    outputs: number,
  ): NativeOutput[];
  /** Whether the project's own kernels are registered (scripts/setup/kernels). */
  hasKernels?: boolean;
}

export interface NativeOutput {
  id: number;
  shape: number[];
  dtype: number;
}

/** The backend's record of a tensor. Values that are not null have not been copied to TensorFlow yet. */
export interface TensorRecord {
  shape: number[];
  dtype: number;
  id: number;
  values: tf.BackendValues | null;
  refCount: number;
}

/** The parts of the package's backend that this project uses. */
export interface NativeBackend {
  binding: Binding;
  isUsingGpuDevice: boolean;
  tensorMap: { get(dataId: object): TensorRecord; set(dataId: object, data: TensorRecord): void };
  /** Copies values to TensorFlow where they are still here, and returns the numbers of the tensors. */
  getInputTensorIds(inputs: readonly tf.TensorInfo[]): number[];
  /** Records a new tensor whose values are still here. */
  move(
    dataId: object,
    values: tf.BackendValues,
    shape: number[],
    dtype: tf.DataType,
    references: number,
  ): void;
}

export interface Attribute {
  name: string;
  type: number;
  value: unknown;
}

export const nativeBackend = () => tf.backend() as unknown as NativeBackend;

/** Whether TensorFlow is the engine of this process, on a CPU or a GPU. */
export function isNative(): boolean {
  return tf.getBackend() === 'tensorflow';
}

/** Whether TensorFlow on a GPU is the engine of this process. */
export function isNativeGpu(): boolean {
  return isNative() && nativeBackend().isUsingGpuDevice;
}

/**
 * Whether the project's own kernels are there (scripts/setup/kernels): on a CPU, where the set-up has built the addon. They
 * take fewer passes over memory than TensorFlow's.
 */
export function hasKernels(): boolean {
  return isNative() && !isNativeGpu() && nativeBackend().binding.hasKernels === true;
}

/**
 * Returns a function that makes attributes of one type, which must be that of TensorFlow's definition of the operation.
 */
const attribute = (kind: keyof Binding) => (name: string, value: unknown) => ({
  name,
  type: nativeBackend().binding[kind] as number,
  value,
});
export const text = attribute('TF_ATTR_STRING');
export const integer = attribute('TF_ATTR_INT');
export const float = attribute('TF_ATTR_FLOAT');
export const flag = attribute('TF_ATTR_BOOL');
export const type = attribute('TF_ATTR_TYPE');
export const shapeOf = attribute('TF_ATTR_SHAPE');

/**
 * Returns the number of a tensor's type in TensorFlow. TensorFlow.js has no bfloat16: such a tensor has the dtype
 * `float32`, and only kernels of this package may receive it. Any other kernel throws an error about its type.
 */
export function nativeType(x: tf.TensorInfo): number {
  return nativeBackend().tensorMap.get(x.dataId).dtype;
}

/**
 * Executes a TensorFlow operation.
 *
 * @param name the name of the operation
 * @param outputs the number of its outputs
 */
export function execute(
  name: string,
  attributes: readonly Attribute[],
  inputs: readonly tf.TensorInfo[],
  outputs = 1,
): tf.Tensor[] {
  const native = nativeBackend();
  const results = native.binding.executeOp(name, attributes, native.getInputTensorIds(inputs), outputs);
  return results.map(wrap);
}

/** Makes a tensor of an output. */
export function wrap({ id, shape, dtype }: NativeOutput): tf.Tensor {
  const dataId = {};
  nativeBackend().tensorMap.set(dataId, { shape, dtype, id, values: null, refCount: 1 });
  const known = dtype === types.int32 ? 'int32' : dtype === types.bool ? 'bool' : 'float32';
  return tf.engine().makeTensorFromTensorInfo({ dataId, shape, dtype: known });
}

/** Converts between float32 and bfloat16; returns the tensor itself if it already has that type. */
export function castTo(x: tf.Tensor, to: number): tf.Tensor {
  const from = nativeType(x);
  if (from === to) return x;
  return execute('Cast', [type('SrcT', from), type('DstT', to), flag('Truncate', false)], [x])[0];
}

type KernelCall = {
  inputs: Record<string, tf.Tensor>;
  attrs: Record<string, unknown>;
};

/** Registers a kernel for TensorFlow. Its intermediate tensors are disposed. */
export function nativeKernel(kernelName: string, compute: (call: KernelCall) => tf.Tensor): void {
  tf.registerKernel({
    kernelName,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs, attrs }) =>
      tf.tidy(() =>
        compute({ inputs: inputs as Record<string, tf.Tensor>, attrs: attrs as Record<string, unknown> }),
      ),
  });
}

/** Replaces a kernel of TensorFlow.js. */
export function overrideNativeKernel(kernelName: string, compute: (call: KernelCall) => tf.Tensor): void {
  tf.unregisterKernel(kernelName, 'tensorflow');
  nativeKernel(kernelName, compute);
}
