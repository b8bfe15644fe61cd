import * as tf from '@tensorflow/tfjs-core';

/**
 * TensorFlow's own operations, called by name. TensorFlow.js offers a fraction of them, and composes slowly what
 * TensorFlow has as one. Only the files of this package that register kernels for the `tensorflow` backend come here.
 */

/** TensorFlow's numbers of data types, as far as they are used here. */
export const types = { float32: 1, int32: 3, bool: 10, bfloat16: 14 } as const;

interface Binding {
  TF_ATTR_STRING: number;
  TF_ATTR_INT: number;
  TF_ATTR_FLOAT: number;
  TF_ATTR_BOOL: number;
  TF_ATTR_TYPE: number;
  TF_ATTR_SHAPE: number;
  executeOp(
    name: string,
    attributes: readonly Attribute[],
    inputs: number[],
    outputs: number,
  ): NativeOutput[];
}

interface NativeOutput {
  id: number;
  shape: number[];
  dtype: number;
}

interface NativeBackend {
  binding: Binding;
  isUsingGpuDevice: boolean;
  tensorMap: {
    get(dataId: object): { dtype: number };
    set(
      dataId: object,
      data: { shape: number[]; dtype: number; id: number; values: null; refCount: 1 },
    ): void;
  };
  getInputTensorIds(inputs: readonly tf.TensorInfo[]): number[];
}

export interface Attribute {
  name: string;
  type: number;
  value: unknown;
}

const backend = () => tf.backend() as unknown as NativeBackend;

/** Is TensorFlow the engine of this process? */
export function isNative(): boolean {
  return tf.getBackend() === 'tensorflow';
}

/** Is it TensorFlow on a GPU? */
export function isNativeGpu(): boolean {
  return isNative() && backend().isUsingGpuDevice;
}

/** Attributes of operations, with the type that each has in TensorFlow's definition of the operation. */
const attribute = (kind: keyof Binding) => (name: string, value: unknown) => ({
  name,
  type: backend().binding[kind] as number,
  value,
});
export const text = attribute('TF_ATTR_STRING');
export const integer = attribute('TF_ATTR_INT');
export const float = attribute('TF_ATTR_FLOAT');
export const flag = attribute('TF_ATTR_BOOL');
export const type = attribute('TF_ATTR_TYPE');
export const shapeOf = attribute('TF_ATTR_SHAPE');

/**
 * The number of a tensor's type in TensorFlow. TensorFlow.js knows no bfloat16: such a tensor says `float32` of itself,
 * and only the kernels of this package may be given one. Any other kernel fails on it, loudly, for its type.
 */
export function nativeType(x: tf.TensorInfo): number {
  return backend().tensorMap.get(x.dataId).dtype;
}

/**
 * Executes an operation.
 *
 * @param name of TensorFlow's operation
 * @param outputs how many it has
 */
export function execute(
  name: string,
  attributes: readonly Attribute[],
  inputs: readonly tf.TensorInfo[],
  outputs = 1,
): tf.Tensor[] {
  const native = backend();
  const results = native.binding.executeOp(name, attributes, native.getInputTensorIds(inputs), outputs);
  return results.map(wrap);
}

function wrap({ id, shape, dtype }: NativeOutput): tf.Tensor {
  const dataId = {};
  backend().tensorMap.set(dataId, { shape, dtype, id, values: null, refCount: 1 });
  const known = dtype === types.int32 ? 'int32' : dtype === types.bool ? 'bool' : 'float32';
  return tf.engine().makeTensorFromTensorInfo({ dataId, shape, dtype: known });
}

/** Converts between float32 and bfloat16; the tensor itself when it is of that type already. */
export function castTo(x: tf.Tensor, to: number): tf.Tensor {
  const from = nativeType(x);
  if (from === to) return x;
  return execute('Cast', [type('SrcT', from), type('DstT', to), flag('Truncate', false)], [x])[0];
}

type KernelCall = {
  inputs: Record<string, tf.Tensor>;
  attrs: Record<string, unknown>;
};

/** Registers a kernel for TensorFlow; what it makes besides its result is disposed. */
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

/** Puts a kernel in the place of TensorFlow.js' own. */
export function overrideNativeKernel(kernelName: string, compute: (call: KernelCall) => tf.Tensor): void {
  tf.unregisterKernel(kernelName, 'tensorflow');
  nativeKernel(kernelName, compute);
}
