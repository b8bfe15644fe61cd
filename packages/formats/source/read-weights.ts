import { DistilleryError } from '@distillery/spec';
import { fromFloat16 } from './float16.ts';
import type { NamedTensor } from './format.ts';
import { npz } from './formats/npz.ts';
import { safetensors } from './formats/safetensors.ts';
import { torch } from './formats/torch.ts';
import { namesIn } from './zip.ts';

/** Counters that PyTorch and profilers keep beside the weights, which no network needs. */
const counters = /(^|\.)(num_batches_tracked|total_ops|total_params)$/;
/** What wrappers put before every name: data parallelism, compilation, a module around the network. */
const wrappers = ['module.', '_orig_mod.', 'model.', 'net.', 'backbone.'];

/**
 * Reads the tensors of a file that people bring, safetensors, PyTorch or NumPy, by its content. They are in float32, without
 * the counters of training and without the prefixes of wrappers.
 *
 * @throws DistilleryError `artifact_corrupt` for a file of another kind, a damaged one, or one that holds more than tensors
 */
export function readWeights(bytes: Uint8Array): NamedTensor[] {
  const tensors = readTensors(bytes).filter(({ name }) => !counters.test(name));
  const prefix = prefixOf(tensors.map(({ name }) => name));
  return tensors.map((tensor) => ({
    ...tensor,
    name: tensor.name.slice(prefix.length),
    dtype: 'F32',
    data: inFloat32(tensor),
  }));
}

/**
 * Reads the tensors of a file of safetensors, PyTorch or NumPy as they are, by its content.
 *
 * @throws DistilleryError `artifact_corrupt`
 */
export function readTensors(bytes: Uint8Array): readonly NamedTensor[] {
  const isZip = bytes[0] === 0x50 && bytes[1] === 0x4b;
  if (!isZip) return safetensors.decode(bytes).parameters;
  const isTorch = namesIn(bytes).some((name) => name.endsWith('/data.pkl'));
  return (isTorch ? torch : npz).decode(bytes).parameters;
}

function prefixOf(names: readonly string[]): string {
  let prefix = '';
  for (;;) {
    const next = wrappers.find((wrapper) => names.every((name) => name.startsWith(prefix + wrapper)));
    if (next === undefined || names.length === 0) return prefix;
    prefix += next;
  }
}

/** Returns the numbers of a tensor of floats as float32. @throws DistilleryError `artifact_corrupt` for whole numbers */
export function inFloat32({ name, dtype, data }: Pick<NamedTensor, 'name' | 'dtype' | 'data'>): Float32Array {
  if (data instanceof Float32Array) return data;
  if (dtype === 'F16') return fromFloat16(data as Uint16Array);
  if (dtype === 'BF16') {
    const words = Uint32Array.from(data as Uint16Array, (half) => half << 16);
    return new Float32Array(words.buffer);
  }
  throw new DistilleryError('artifact_corrupt', `${name} holds whole numbers, expected floats`);
}
