import { DistilleryError } from '@distillery/spec';

/**
 * What a pickle describes, as plain values: dictionaries are maps, `Named` is a class or a function by its name, `Call` is
 * what a call of one would return, `Stored` is a reference to data outside the pickle. Nothing is ever imported or called.
 */
export type Pickled =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | Pickled[]
  | Map<Pickled, Pickled>
  | Named
  | Call
  | Stored;

export class Named {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

export class Call {
  readonly callee: Named;
  readonly args: Pickled[];
  constructor(callee: Named, args: Pickled[]) {
    this.callee = callee;
    this.args = args;
  }
}

export class Stored {
  readonly id: Pickled;
  constructor(id: Pickled) {
    this.id = id;
  }
}

/** A place on the stack that `MARK` has set. */
const mark = Symbol('mark');

/**
 * Reads the opcodes that `torch.save` writes, of pickle's protocols 2 to 4
 * (https://docs.python.org/3/library/pickletools.html), without executing them.
 *
 * @throws DistilleryError `artifact_corrupt` for other opcodes, and for bytes that are no pickle
 */
export function readPickle(bytes: Uint8Array): Pickled {
  const reader = new PickleReader(bytes);
  try {
    return reader.read();
  } catch (cause) {
    if (cause instanceof RangeError) throw damaged('it ends too early', cause);
    throw cause;
  }
}

class PickleReader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly stack: (Pickled | typeof mark)[] = [];
  private readonly memo = new Map<number, Pickled>();
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  read(): Pickled {
    for (;;) {
      const code = this.view.getUint8(this.at++);
      if (code === stop) return this.pop();
      const operation = operations[code];
      if (operation === undefined) {
        throw damaged(`the opcode 0x${code.toString(16).padStart(2, '0')} is not one of a state dict`);
      }
      operation(this);
    }
  }

  push(value: Pickled | typeof mark): void {
    this.stack.push(value);
  }

  pop(): Pickled {
    const value = this.stack.pop();
    if (value === undefined || value === mark) throw damaged('its stack is empty where a value is needed');
    return value;
  }

  top(): Pickled {
    const value = this.pop();
    this.stack.push(value);
    return value;
  }

  /** Removes what lies above the last mark, and the mark. */
  marked(): Pickled[] {
    const from = this.stack.lastIndexOf(mark);
    if (from === -1) throw damaged('a mark is missing');
    const [, ...values] = this.stack.splice(from) as [typeof mark, ...Pickled[]];
    return values;
  }

  remember(key: number): void {
    this.memo.set(key, this.top());
  }

  /** As `MEMOIZE`: under the next number. */
  rememberNext(): void {
    this.remember(this.memo.size);
  }

  recall(key: number): void {
    const value = this.memo.get(key);
    if (value === undefined) throw damaged(`it uses the value ${key} before it is kept`);
    this.stack.push(value);
  }

  unsigned(length: 1 | 2 | 4 | 8): number {
    const at = this.at;
    this.at += length;
    if (length === 1) return this.view.getUint8(at);
    if (length === 2) return this.view.getUint16(at, true);
    if (length === 4) return this.view.getUint32(at, true);
    return Number(this.view.getBigUint64(at, true));
  }

  signed(): number {
    this.at += 4;
    return this.view.getInt32(this.at - 4, true);
  }

  double(): number {
    this.at += 8;
    return this.view.getFloat64(this.at - 8, false);
  }

  /** A whole number in two's complement of any length. */
  long(length: number): number {
    const bytes = this.take(length);
    let value = 0n;
    for (const [index, byte] of bytes.entries()) value |= BigInt(byte) << BigInt(8 * index);
    return Number(BigInt.asIntN(8 * length, value));
  }

  take(length: number): Uint8Array {
    if (this.at + length > this.bytes.length) throw damaged('it ends too early');
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  text(length: number): string {
    return new TextDecoder().decode(this.take(length));
  }

  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end === -1) throw damaged('it ends too early');
    const text = this.text(end - this.at);
    this.at++;
    return text;
  }
}

const stop = 0x2e;

/** What each opcode does, by its number. */
const operations: Record<number, (reader: PickleReader) => void> = {
  // PROTO, FRAME
  0x80: (r) => void r.unsigned(1),
  0x95: (r) => void r.unsigned(8),
  // MARK, NONE, NEWTRUE, NEWFALSE
  0x28: (r) => r.push(mark),
  0x4e: (r) => r.push(null),
  0x88: (r) => r.push(true),
  0x89: (r) => r.push(false),
  // BININT, BININT1, BININT2, LONG1, BINFLOAT
  0x4a: (r) => r.push(r.signed()),
  0x4b: (r) => r.push(r.unsigned(1)),
  0x4d: (r) => r.push(r.unsigned(2)),
  0x8a: (r) => r.push(r.long(r.unsigned(1))),
  0x47: (r) => r.push(r.double()),
  // BINUNICODE, SHORT_BINUNICODE, BINBYTES, SHORT_BINBYTES, SHORT_BINSTRING
  0x58: (r) => r.push(r.text(r.unsigned(4))),
  0x8c: (r) => r.push(r.text(r.unsigned(1))),
  0x42: (r) => r.push(r.take(r.unsigned(4))),
  0x43: (r) => r.push(r.take(r.unsigned(1))),
  0x55: (r) => r.push(r.text(r.unsigned(1))),
  // EMPTY_TUPLE, TUPLE, TUPLE1, TUPLE2, TUPLE3
  0x29: (r) => r.push([]),
  0x74: (r) => r.push(r.marked()),
  0x85: (r) => r.push([r.pop()]),
  0x86: (r) => r.push([r.pop(), r.pop()].reverse()),
  0x87: (r) => r.push([r.pop(), r.pop(), r.pop()].reverse()),
  // EMPTY_LIST, APPEND, APPENDS
  0x5d: (r) => r.push([]),
  0x61: (r) => append(r, [r.pop()]),
  0x65: (r) => append(r, r.marked()),
  // EMPTY_DICT, SETITEM, SETITEMS
  0x7d: (r) => r.push(new Map()),
  0x73: (r) => setItems(r, [r.pop(), r.pop()].reverse()),
  0x75: (r) => setItems(r, r.marked()),
  // BINPUT, LONG_BINPUT, MEMOIZE, BINGET, LONG_BINGET
  0x71: (r) => r.remember(r.unsigned(1)),
  0x72: (r) => r.remember(r.unsigned(4)),
  0x94: (r) => r.rememberNext(),
  0x68: (r) => r.recall(r.unsigned(1)),
  0x6a: (r) => r.recall(r.unsigned(4)),
  // GLOBAL, STACK_GLOBAL
  0x63: (r) => r.push(new Named(`${r.line()}.${r.line()}`)),
  0x93: (r) => {
    const [name, module] = [r.pop(), r.pop()];
    if (typeof name !== 'string' || typeof module !== 'string') throw damaged('a name is no text');
    r.push(new Named(`${module}.${name}`));
  },
  // REDUCE, NEWOBJ
  0x52: call,
  0x81: call,
  // BUILD sets attributes of an object: of a state dict the versions of its modules, which nothing here needs.
  0x62: (r) => void r.pop(),
  // BINPERSID
  0x51: (r) => r.push(new Stored(r.pop())),
};

function call(reader: PickleReader): void {
  const [args, callee] = [reader.pop(), reader.pop()];
  if (!(callee instanceof Named) || !Array.isArray(args)) throw damaged('it calls what is no function');
  // A dictionary whose items follow.
  if (callee.name === 'collections.OrderedDict') reader.push(new Map());
  else reader.push(new Call(callee, args));
}

function append(reader: PickleReader, values: Pickled[]): void {
  const list = reader.top();
  if (!Array.isArray(list)) throw damaged('it appends to what is no list');
  list.push(...values);
}

function setItems(reader: PickleReader, items: Pickled[]): void {
  const map = reader.top();
  if (!(map instanceof Map)) throw damaged('it sets items of what is no dictionary');
  for (let index = 0; index + 1 < items.length; index += 2) map.set(items[index], items[index + 1]);
}

function damaged(reason: string, cause?: unknown): DistilleryError {
  return new DistilleryError('artifact_corrupt', `the pickle of the file cannot be read: ${reason}`, {
    cause,
  });
}
