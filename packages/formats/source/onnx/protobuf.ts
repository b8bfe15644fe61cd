/**
 * Writes the wire format of Protocol Buffers (https://protobuf.dev/programming-guides/encoding), as far as ONNX needs it. A
 * field is a list of pieces, so that large tensors are copied only once, when the file is joined.
 */
export type Field = readonly Uint8Array[];

const [varintType, bytesType, fixed32Type] = [0, 2, 5];

/** A whole number from 0 on, or a negative one in two's complement of 64 bits. */
export function int(field: number, value: number): Field {
  return [varint(field * 8 + varintType), varint(value)];
}

/** A 32-bit float. */
export function float(field: number, value: number): Field {
  return [varint(field * 8 + fixed32Type), new Uint8Array(Float32Array.of(value).buffer)];
}

export function text(field: number, value: string): Field {
  return bytes(field, new TextEncoder().encode(value));
}

export function bytes(field: number, value: Uint8Array): Field {
  return [varint(field * 8 + bytesType), varint(value.length), value];
}

/** A message within a message. */
export function message(field: number, ...fields: readonly Field[]): Field {
  const pieces = fields.flat();
  return [varint(field * 8 + bytesType), varint(lengthOf(pieces)), ...pieces];
}

/** Joins the fields of the outermost message. */
export function encodeMessage(...fields: readonly Field[]): Uint8Array {
  const pieces = fields.flat();
  const joined = new Uint8Array(lengthOf(pieces));
  let offset = 0;
  for (const piece of pieces) {
    joined.set(piece, offset);
    offset += piece.length;
  }
  return joined;
}

function lengthOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}

function varint(value: number): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const digits: number[] = [];
  for (; rest > 127n; rest >>= 7n) digits.push(Number(rest & 127n) | 128);
  return Uint8Array.from([...digits, Number(rest)]);
}
