/** A value of a pickle. Texts of Python 2 are read as Latin-1; bytes stay bytes. */
export type Pickled =
  | null
  | boolean
  | number
  | string
  | Buffer
  | Pickled[]
  | Map<Pickled, Pickled>
  | PickledArray
  | Named;

/** An array of NumPy. */
export class PickledArray {
  shape: number[] = [];
  /** The type of the numbers, for example `u1`. */
  type = '';
  bytes: Buffer = Buffer.alloc(0);
}

/** The name of something in Python, or a type of numbers. It is only compared, never called. */
class Named {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

const mark = Symbol('mark');
type Item = Pickled | typeof mark;

/**
 * Reads a pickle of plain values and arrays of NumPy, as the archives of CIFAR hold them (protocol 2).
 *
 * A pickle is a program that may call anything in Python. Nothing is called here: four names are understood as arrays, types
 * and bytes, and any other name or operation ends the reading.
 *
 * @throws RangeError for any other pickle
 */
export function readPickle(bytes: Buffer): Pickled {
  const stack: Item[] = [];
  const memo = new Map<number, Pickled>();
  let at = 0;
  const take = (count: number) => {
    if (count < 0 || at + count > bytes.length) throw new RangeError('the pickle ends early');
    at += count;
    return bytes.subarray(at - count, at);
  };
  const pop = (): Pickled => {
    const item = stack.pop();
    if (item === undefined || item === mark) throw new RangeError('the pickle is damaged');
    return item;
  };
  const top = (): Pickled => {
    const item = pop();
    stack.push(item);
    return item;
  };
  const toMark = (): Pickled[] => {
    const place = stack.lastIndexOf(mark);
    if (place < 0) throw new RangeError('the pickle is damaged');
    return stack.splice(place).slice(1) as Pickled[];
  };
  const line = () => {
    const end = bytes.indexOf(10, at);
    if (end < 0) throw new RangeError('the pickle ends early');
    const text = bytes.toString('latin1', at, end);
    at = end + 1;
    return text;
  };
  const operations: Record<string, () => Item | void> = {
    '\x80': () => {
      if (take(1)[0] > 3) throw new RangeError('the pickle has a protocol above 3');
    },
    '(': () => mark,
    '}': () => new Map(),
    ']': () => [],
    ')': () => [],
    N: () => null,
    '\x88': () => true,
    '\x89': () => false,
    K: () => take(1)[0],
    M: () => take(2).readUInt16LE(),
    J: () => take(4).readInt32LE(),
    G: () => take(8).readDoubleBE(),
    U: () => take(take(1)[0]).toString('latin1'),
    T: () => take(take(4).readInt32LE()).toString('latin1'),
    X: () => take(take(4).readUInt32LE()).toString('utf8'),
    C: () => take(take(1)[0]),
    B: () => take(take(4).readUInt32LE()),
    c: () => named(`${line()}.${line()}`),
    q: () => void memo.set(take(1)[0], top()),
    r: () => void memo.set(take(4).readUInt32LE(), top()),
    h: () => remembered(take(1)[0]),
    j: () => remembered(take(4).readUInt32LE()),
    t: () => toMark(),
    '\x85': () => [pop()],
    '\x86': () => last(2),
    '\x87': () => last(3),
    a: () => {
      const item = pop();
      list(top()).push(item);
    },
    e: () => {
      const items = toMark();
      const target = list(top());
      for (const item of items) target.push(item);
    },
    s: () => {
      const [key, value] = last(2);
      dictionary(top()).set(key, value);
    },
    u: () => {
      const items = toMark();
      const target = dictionary(top());
      for (let i = 0; i + 1 < items.length; i += 2) target.set(items[i], items[i + 1]);
    },
    R: () => {
      const input = list(pop());
      return reduced(pop(), input);
    },
    b: () => {
      const state = pop();
      built(top(), state);
    },
  };
  const last = (count: number) => Array.from({ length: count }, pop).reverse();
  const remembered = (index: number) => {
    const value = memo.get(index);
    if (value === undefined) throw new RangeError('the pickle is damaged');
    return value;
  };
  for (;;) {
    const code = take(1).toString('latin1');
    if (code === '.') return pop();
    const operation = operations[code];
    if (operation === undefined)
      throw new RangeError(
        `the pickle has the operation 0x${code.charCodeAt(0).toString(16)}, which is not read`,
      );
    const item = operation();
    if (item !== undefined) stack.push(item);
  }
}

const array = /^numpy\.(core|_core)\.multiarray\._reconstruct$/;

function named(name: string): Named {
  if (array.test(name) || ['numpy.ndarray', 'numpy.dtype', '_codecs.encode'].includes(name))
    return new Named(name);
  throw new RangeError(`the pickle names ${name}, which is never loaded`);
}

/** What a call of Python would give, for the names that are understood. */
function reduced(callee: Pickled, input: Pickled[]): Pickled {
  const name = callee instanceof Named ? callee.name : '';
  if (array.test(name)) return new PickledArray();
  if (name === 'numpy.dtype' && typeof input[0] === 'string') return new Named(input[0]);
  if (name === '_codecs.encode' && typeof input[0] === 'string' && input[1] === 'latin1')
    return Buffer.from(input[0], 'latin1');
  throw new RangeError('the pickle calls what is never called');
}

/** Fills an array from its state: a version, the shape, the type, whether in Fortran's order, and the bytes. */
function built(target: Pickled, state: Pickled): void {
  if (target instanceof Named) return;
  if (!(target instanceof PickledArray) || !Array.isArray(state))
    throw new RangeError('the pickle builds an unknown object');
  const [, shape, type, fortran, bytes] = state;
  const content = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
  if (!Array.isArray(shape) || !(type instanceof Named) || fortran !== false || !Buffer.isBuffer(content))
    throw new RangeError('the pickle holds an array of another form');
  target.shape = shape.map(Number);
  target.type = type.name;
  target.bytes = content;
}

function list(value: Pickled): Pickled[] {
  if (!Array.isArray(value)) throw new RangeError('the pickle is damaged');
  return value;
}

function dictionary(value: Pickled): Map<Pickled, Pickled> {
  if (!(value instanceof Map)) throw new RangeError('the pickle is damaged');
  return value;
}
