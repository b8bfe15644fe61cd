import { textBytes } from '../archive.ts';
import type { DType } from '../dtypes.ts';
import type { NamedTensor } from '../format.ts';

/** The classes of PyTorch's storages by element type. */
const storages: Record<DType, string> = {
  F32: 'FloatStorage',
  F16: 'HalfStorage',
  BF16: 'BFloat16Storage',
  I64: 'LongStorage',
  I32: 'IntStorage',
  U8: 'ByteStorage',
};

/** Opcodes of pickle's protocol 2 (https://docs.python.org/3/library/pickletools.html). */
const op = {
  protocol: 0x80,
  global: 0x63,
  mark: 0x28,
  tuple: 0x74,
  emptyTuple: 0x29,
  reduce: 0x52,
  persistentId: 0x51,
  text: 0x58,
  int: 0x4a,
  long: 0x8a,
  false: 0x89,
  setItems: 0x75,
  stop: 0x2e,
};

/**
 * Returns the pickle of an ordered dictionary of tensors, whose numbers are in the storages 0, 1, 2… in the order of the
 * tensors. It calls what `torch.save` calls and nothing else, so that `torch.load` takes it with `weights_only`.
 */
export function stateDict(tensors: readonly NamedTensor[]): Uint8Array {
  const items = tensors.flatMap((tensor, index) => [...text(tensor.name), ...rebuilt(tensor, index)]);
  return Uint8Array.from([op.protocol, 2, ...orderedDict(), op.mark, ...items, op.setItems, op.stop]);
}

/** A call of `_rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, hooks)`. */
function rebuilt({ dtype, shape, data }: NamedTensor, index: number): number[] {
  const strides = shape.map((_, axis) =>
    shape.slice(axis + 1).reduce((product, extent) => product * extent, 1),
  );
  const storage = [
    ...text('storage'),
    ...global('torch', storages[dtype]),
    ...text(String(index)),
    ...text('cpu'),
    ...int(data.length),
  ];
  return [
    ...global('torch._utils', '_rebuild_tensor_v2'),
    op.mark,
    ...tuple(storage),
    op.persistentId,
    ...int(0),
    ...tuple(shape.flatMap(int)),
    ...tuple(strides.flatMap(int)),
    op.false,
    ...orderedDict(),
    op.tuple,
    op.reduce,
  ];
}

function orderedDict(): number[] {
  return [...global('collections', 'OrderedDict'), op.emptyTuple, op.reduce];
}

function tuple(items: readonly number[]): number[] {
  return [op.mark, ...items, op.tuple];
}

function global(module: string, name: string): number[] {
  return [op.global, ...textBytes(`${module}\n${name}\n`)];
}

function text(value: string): number[] {
  const bytes = textBytes(value);
  return [op.text, ...littleEndian(bytes.length, 4), ...bytes];
}

/** Four bytes, or eight where these are not enough. */
function int(value: number): number[] {
  return value < 2 ** 31 ? [op.int, ...littleEndian(value, 4)] : [op.long, 8, ...littleEndian(value, 8)];
}

function littleEndian(value: number, length: number): number[] {
  return Array.from({ length }, (_, index) => Math.floor(value / 256 ** index) % 256);
}
