/** The header of an array in NumPy's format. */
export interface NpyHeader {
  /** The type of the numbers, for example `<f4`. */
  descr: string;
  /** Whether the first axis varies fastest. */
  fortran: boolean;
  shape: number[];
  /** The bytes of one element. */
  bytes: number;
}

const magic = Buffer.from('\x93NUMPY', 'latin1');
const longestHeader = 1 << 16;

/**
 * Reads the header at the beginning of an array file.
 *
 * @returns the header and its length in bytes; undefined while `head` is too short
 * @throws RangeError for another file, and for types that are no numbers, truth values or texts
 */
export function npyHeader(head: Buffer): { header: NpyHeader; length: number } | undefined {
  if (head.length < 12) return undefined;
  if (!head.subarray(0, 6).equals(magic)) throw new RangeError('is not an array in the format of NumPy');
  const [start, size] = head[6] === 1 ? [10, head.readUInt16LE(8)] : [12, head.readUInt32LE(8)];
  if (size > longestHeader) throw new RangeError(`has a header of ${size} bytes, more than ${longestHeader}`);
  if (head.length < start + size) return undefined;
  return { header: parsed(head.toString('latin1', start, start + size)), length: start + size };
}

function parsed(text: string): NpyHeader {
  const descr = /'descr':\s*'([^']*)'/.exec(text)?.[1];
  const fortran = /'fortran_order':\s*(True|False)/.exec(text)?.[1];
  const sizes = /'shape':\s*\(([^)]*)\)/.exec(text)?.[1];
  if (descr === undefined && /'descr':\s*\[/.test(text))
    throw new RangeError('holds records of several fields');
  if (descr === undefined || fortran === undefined || sizes === undefined || !/^[\d\s,L]*$/.test(sizes))
    throw new RangeError('has a header that is not in the format of NumPy');
  const shape = sizes.split(',').flatMap((size) => (size.trim() === '' ? [] : [Number.parseInt(size, 10)]));
  if (/O/.test(descr)) throw new RangeError('holds Python objects as a pickle, which is never loaded');
  return { descr, fortran: fortran === 'True', shape, bytes: elementBytes(descr) };
}

function elementBytes(descr: string): number {
  const [, kind, digits] = /^[<>|=]?([biufUS])(\d+)$/.exec(descr) ?? [];
  const size = Number(digits);
  const known = { b: [1], i: [1, 2, 4, 8], u: [1, 2, 4, 8], f: [2, 4, 8], U: [size], S: [size] }[kind ?? ''];
  if (known === undefined || !known.includes(size) || size < 1 || size > 4096)
    throw new RangeError(`has the type ${JSON.stringify(descr)}; expected numbers, truth values or texts`);
  return kind === 'U' ? 4 * size : size;
}

/** Returns a function that reads the number at a byte. @throws RangeError for texts */
export function numberReader(descr: string): (bytes: Buffer, at: number) => number {
  const [, order, type] = /^([<>|=]?)(.*)$/.exec(descr) as RegExpExecArray;
  const big = order === '>';
  switch (type) {
    case 'b1':
    case 'u1':
      return (bytes, at) => bytes[at];
    case 'i1':
      return (bytes, at) => bytes.readInt8(at);
    case 'u2':
      return big ? (bytes, at) => bytes.readUInt16BE(at) : (bytes, at) => bytes.readUInt16LE(at);
    case 'i2':
      return big ? (bytes, at) => bytes.readInt16BE(at) : (bytes, at) => bytes.readInt16LE(at);
    case 'u4':
      return big ? (bytes, at) => bytes.readUInt32BE(at) : (bytes, at) => bytes.readUInt32LE(at);
    case 'i4':
      return big ? (bytes, at) => bytes.readInt32BE(at) : (bytes, at) => bytes.readInt32LE(at);
    case 'u8':
      return (bytes, at) => Number(big ? bytes.readBigUInt64BE(at) : bytes.readBigUInt64LE(at));
    case 'i8':
      return (bytes, at) => Number(big ? bytes.readBigInt64BE(at) : bytes.readBigInt64LE(at));
    case 'f2':
      return (bytes, at) => halfFloat(big ? bytes.readUInt16BE(at) : bytes.readUInt16LE(at));
    case 'f4':
      return big ? (bytes, at) => bytes.readFloatBE(at) : (bytes, at) => bytes.readFloatLE(at);
    case 'f8':
      return big ? (bytes, at) => bytes.readDoubleBE(at) : (bytes, at) => bytes.readDoubleLE(at);
    default:
      throw new RangeError(`holds texts (${descr}); expected numbers`);
  }
}

function halfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}
