import { DistilleryError } from '@distillery/spec';
import { dtypes, elementCount, isDType } from '../dtypes.ts';
import type { NamedTensor } from '../format.ts';
import { keysInOrder } from './json-keys.ts';

/**
 * The safetensors format (https://huggingface.co/docs/safetensors, "Format"): 8 bytes with the length of the
 * header as a little-endian integer, the header as JSON, then the tensors' bytes, little-endian, rows last-fastest,
 * without holes. Views into the bytes assume a little-endian host, as TensorFlow does.
 */

/** A tensor without its name. */
export type Tensor = Omit<NamedTensor, 'name'>;

export interface Safetensors {
  /** In the header's order. */
  tensors: Map<string, Tensor>;
  metadata: Record<string, string>;
}

const reserved = '__metadata__';
// The limit of the reference implementation.
const longestHeader = 100_000_000;

/**
 * Returns the bytes of a file. The same tensors in the same order give the same bytes. Metadata come first, sorted by key.
 *
 * @throws RangeError for a name twice or `__metadata__`, a shape or array that does not fit, a header over 100 MB
 */
export function encodeSafetensors(
  tensors: readonly NamedTensor[],
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  // Joined by hand, because an object would move names that look like integers to the front.
  const entries: string[] = [];
  const pairs = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  if (pairs.length > 0) {
    const text = pairs.map(([key, value]) => `${JSON.stringify(key)}:${metadataText(key, value)}`);
    entries.push(`"${reserved}":{${text.join(',')}}`);
  }
  const names = new Set<string>([reserved]);
  let size = 0;
  for (const tensor of tensors) {
    if (names.has(tensor.name)) throw new RangeError(`the name ${tensor.name} is reserved or used twice`);
    names.add(tensor.name);
    checkTensor(tensor);
    const { dtype, shape } = tensor;
    const offsets = [size, size + tensor.data.byteLength];
    entries.push(`${JSON.stringify(tensor.name)}:${JSON.stringify({ dtype, shape, data_offsets: offsets })}`);
    size += tensor.data.byteLength;
  }

  const json = new TextEncoder().encode(`{${entries.join(',')}}`);
  const start = Math.ceil((8 + json.length) / 8) * 8;
  if (start - 8 > longestHeader) throw new RangeError(`the header is longer than ${longestHeader} bytes`);
  const bytes = new Uint8Array(start + size);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true);
  bytes.set(json, 8);
  bytes.fill(0x20, 8 + json.length, start);
  let at = start;
  for (const { data } of tensors) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return bytes;
}

/**
 * Reads a file's bytes. The arrays are views of `bytes` where alignment allows, else copies: do not write to either.
 *
 * @throws DistilleryError `artifact_corrupt`, with the reason, for anything that the format does not allow and for an
 *   element type outside `dtypes`
 */
export function decodeSafetensors(bytes: Uint8Array): Safetensors {
  const { header, order, data } = readHeader(bytes);
  const tensors = new Map<string, Tensor>();
  const extents: { name: string; begin: number; end: number }[] = [];
  let metadata: Record<string, string> = {};
  for (const name of order) {
    if (name === reserved) {
      metadata = readMetadata(header[name]);
      continue;
    }
    const { tensor, begin, end } = readTensor(name, header[name], data);
    tensors.set(name, tensor);
    extents.push({ name, begin, end });
  }

  extents.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { name, begin, end } of extents) {
    if (begin < covered) throw corrupt(`the tensor ${name} overlaps the one before it`);
    if (begin > covered) throw corrupt(`${begin - covered} bytes before the tensor ${name} belong to none`);
    covered = end;
  }
  if (covered !== data.length)
    throw corrupt(`${data.length - covered} bytes after the last tensor belong to none`);
  return { tensors, metadata };
}

function readHeader(bytes: Uint8Array) {
  if (bytes.length < 8) throw corrupt(`it has ${bytes.length} bytes, fewer than the 8 of a header's length`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > longestHeader)
    throw corrupt(`its header claims ${length} bytes; ${longestHeader} are allowed`);
  const start = 8 + Number(length);
  if (start > bytes.length)
    throw corrupt(`its header claims ${length} bytes of ${bytes.length - 8} that follow`);

  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(8, start));
    header = JSON.parse(text);
  } catch (cause) {
    throw corrupt('its header is not JSON in UTF-8', cause);
  }
  if (!text.startsWith('{')) throw corrupt('its header does not start with {');
  const { top, duplicate } = keysInOrder(text);
  if (duplicate !== undefined) throw corrupt(`its header has the key ${duplicate} twice`);
  return { header: header as Record<string, unknown>, order: top, data: bytes.subarray(start) };
}

function readMetadata(value: unknown): Record<string, string> {
  if (!isObject(value) || Object.values(value).some((entry) => typeof entry !== 'string')) {
    throw corrupt(`${reserved} is not an object of strings`);
  }
  return value as Record<string, string>;
}

function readTensor(name: string, entry: unknown, data: Uint8Array) {
  if (!isObject(entry)) throw corrupt(`the tensor ${name} is not described by an object`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (!isDType(dtype)) {
    const known = Object.keys(dtypes).join(', ');
    throw corrupt(`the tensor ${name} has the element type ${JSON.stringify(dtype)}; we read ${known}`);
  }
  const count = elementCount(shape);
  if (count === undefined) throw corrupt(`the tensor ${name} has the shape ${JSON.stringify(shape)}`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(Number.isSafeInteger)) {
    throw corrupt(
      `the tensor ${name} has the offsets ${JSON.stringify(offsets)}; two whole numbers are needed`,
    );
  }
  const [begin, end] = offsets as [number, number];
  if (begin < 0 || end < begin || end > data.length) {
    throw corrupt(`the tensor ${name} is at ${begin}-${end}, outside the ${data.length} bytes of data`);
  }
  const { bytes, array } = dtypes[dtype];
  if (count * bytes !== end - begin) {
    throw corrupt(`the tensor ${name} of ${count} ${dtype} elements has ${end - begin} bytes`);
  }
  const aligned = (data.byteOffset + begin) % bytes === 0;
  const view = aligned ? data.subarray(begin, end) : data.slice(begin, end);
  const tensor = {
    dtype,
    shape: shape as number[],
    data: new array(view.buffer as ArrayBuffer, view.byteOffset, count),
  };
  return { tensor, begin, end };
}

function checkTensor({ name, dtype, shape, data }: NamedTensor): void {
  if (!isDType(dtype))
    throw new RangeError(`the tensor ${name} has the unknown element type ${String(dtype)}`);
  if (!(data instanceof dtypes[dtype].array)) {
    throw new RangeError(`the tensor ${name} is ${dtype}, which needs a ${dtypes[dtype].array.name}`);
  }
  if (elementCount(shape) !== data.length) {
    throw new RangeError(
      `the tensor ${name} has ${data.length} elements, which do not fit the shape [${shape.join()}]`,
    );
  }
}

function metadataText(key: string, value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  throw new RangeError(`the metadata ${key} is ${typeof value}; the format keeps strings only`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function corrupt(message: string, cause?: unknown): DistilleryError {
  return new DistilleryError('artifact_corrupt', `not a valid safetensors file: ${message}`, { cause });
}
