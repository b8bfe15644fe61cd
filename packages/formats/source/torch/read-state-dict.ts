import { DistilleryError } from '@distillery/spec';
import { type DType, dtypes } from '../dtypes.ts';
import type { NamedTensor } from '../format.ts';
import { Call, Named, type Pickled, readPickle, Stored } from './pickle.ts';

/** How the numbers of each storage are read. Doubles become floats. */
const storages: Record<string, { bytes: number; dtype: DType }> = {
  'torch.FloatStorage': { bytes: 4, dtype: 'F32' },
  'torch.DoubleStorage': { bytes: 8, dtype: 'F32' },
  'torch.HalfStorage': { bytes: 2, dtype: 'F16' },
  'torch.BFloat16Storage': { bytes: 2, dtype: 'BF16' },
  'torch.LongStorage': { bytes: 8, dtype: 'I64' },
  'torch.IntStorage': { bytes: 4, dtype: 'I32' },
  'torch.ByteStorage': { bytes: 1, dtype: 'U8' },
  'torch.BoolStorage': { bytes: 1, dtype: 'U8' },
};

const [rebuild, parameter] = ['torch._utils._rebuild_tensor_v2', 'torch._utils._rebuild_parameter'];
/** Names that checkpoints hold beside their tensors and that describe no code: learning rates and accuracies of NumPy. */
const harmless = new Set([
  rebuild,
  parameter,
  'torch.Size',
  'torch.device',
  '_codecs.encode',
  'numpy.dtype',
  'numpy.core.multiarray.scalar',
  'numpy._core.multiarray.scalar',
]);
/** Where training scripts keep the weights within a checkpoint. */
const places = ['state_dict', 'model_state_dict', 'model', 'net', 'student', 'teacher'];

/**
 * Reads the tensors of a file of `torch.save`. The file may hold a state dict, or a checkpoint with one under a usual name
 * (`state_dict`, `model`…). Its pickle is read as a description; nothing in it is imported or executed, and a file whose
 * pickle names anything but tensors and numbers is refused.
 *
 * @param pickle the file's `data.pkl`
 * @param storageOf returns the bytes of a storage by its key
 * @throws DistilleryError `artifact_corrupt`
 */
export function readStateDict(
  pickle: Uint8Array,
  storageOf: (key: string) => Uint8Array | undefined,
): NamedTensor[] {
  const root = readPickle(pickle);
  refuseCode(root);
  if (!(root instanceof Map)) throw refusal('it holds no dictionary of tensors');
  const found = root.size === 0 || hasTensors(root) ? root : nested(root);
  return [...found].flatMap(([name, value]) => {
    const call = tensorCall(value);
    return call === undefined || typeof name !== 'string'
      ? []
      : [{ name, ...tensorOf(name, call, storageOf) }];
  });
}

function nested(root: Map<Pickled, Pickled>): Map<Pickled, Pickled> {
  for (const place of places) {
    const value = root.get(place);
    if (value instanceof Map && hasTensors(value)) return value;
  }
  const keys = [...root.keys()]
    .filter((key) => typeof key === 'string')
    .slice(0, 20)
    .join(', ');
  throw refusal(`it holds no tensors at the top or under ${places.join(', ')}; its keys are: ${keys}`);
}

function hasTensors(map: Map<Pickled, Pickled>): boolean {
  return [...map.values()].some((value) => tensorCall(value) !== undefined);
}

/** Returns the call that rebuilds a tensor; a parameter is a tensor with a flag. */
function tensorCall(value: Pickled | undefined): Call | undefined {
  if (!(value instanceof Call)) return undefined;
  if (value.callee.name === rebuild) return value;
  return value.callee.name === parameter ? tensorCall(value.args[0]) : undefined;
}

function tensorOf(name: string, { args }: Call, storageOf: (key: string) => Uint8Array | undefined) {
  const [storage, offset, shape, strides] = args;
  const id = storage instanceof Stored && Array.isArray(storage.id) ? storage.id : [];
  const [, kind, key] = id;
  const type = kind instanceof Named ? storages[kind.name] : undefined;
  if (type === undefined)
    throw refusal(`${name} has numbers of the type ${kind instanceof Named ? kind.name : 'unknown'}`);
  const bytes = typeof key === 'string' ? storageOf(key) : undefined;
  if (bytes === undefined) throw refusal(`the numbers of ${name} are missing`);
  if (
    typeof offset !== 'number' ||
    !areCounts(shape) ||
    !areCounts(strides) ||
    shape.length !== strides.length
  ) {
    throw refusal(`${name} has no shape`);
  }
  const count = shape.reduce((product, extent) => product * extent, 1);
  const last = shape.reduce((sum, extent, axis) => sum + (extent - 1) * strides[axis], offset);
  if (count > 0 && (offset < 0 || (last + 1) * type.bytes > bytes.length)) {
    throw refusal(`${name} [${shape}] reaches beyond its numbers`);
  }
  return { dtype: type.dtype, shape, data: gathered(bytes, type, { offset, shape, strides, count }) };
}

/** Copies the elements into an array with the last dimension fastest. */
function gathered(
  bytes: Uint8Array,
  { bytes: width, dtype }: { bytes: number; dtype: DType },
  { offset, shape, strides, count }: { offset: number; shape: number[]; strides: number[]; count: number },
): NamedTensor['data'] {
  const copy = new Uint8Array(count * width);
  const position = shape.map(() => 0);
  let from = offset;
  for (let to = 0; to < count; to++) {
    copy.set(bytes.subarray(from * width, (from + 1) * width), to * width);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++position[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      position[axis] = 0;
    }
  }
  const isDouble = dtype === 'F32' && width === 8;
  if (isDouble) return Float32Array.from(new Float64Array(copy.buffer));
  return new dtypes[dtype].array(copy.buffer);
}

function areCounts(value: Pickled | undefined): value is number[] {
  return Array.isArray(value) && value.every((each) => Number.isSafeInteger(each) && (each as number) >= 0);
}

/** Refuses a pickle that would import or call anything but what tensors and numbers need. */
function refuseCode(value: Pickled, seen = new Set<Pickled>()): void {
  if (value === null || typeof value !== 'object' || seen.has(value)) return;
  seen.add(value);
  if (value instanceof Named) {
    if (harmless.has(value.name) || value.name in storages) return;
    throw refusal(
      `it names ${value.name}, which is no tensor: save only the weights, with torch.save(model.state_dict(), path)`,
    );
  }
  if (value instanceof Call) for (const each of [value.callee, ...value.args]) refuseCode(each, seen);
  else if (value instanceof Stored) refuseCode(value.id, seen);
  else if (value instanceof Map)
    for (const each of [...value.keys(), ...value.values()]) refuseCode(each, seen);
  else if (Array.isArray(value)) for (const each of value) refuseCode(each, seen);
}

function refusal(reason: string): DistilleryError {
  return new DistilleryError('artifact_corrupt', `the PyTorch file cannot be read: ${reason}`);
}
