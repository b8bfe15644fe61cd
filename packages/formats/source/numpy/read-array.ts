import { DistilleryError } from '@distillery/spec';
import { type DType, dtypes } from '../dtypes.ts';
import type { NamedTensor } from '../format.ts';
import { permute } from '../permute.ts';

/** NumPy's little-endian types. Doubles become floats. */
const types: Record<string, { bytes: number; dtype: DType }> = {
  '<f4': { bytes: 4, dtype: 'F32' },
  '<f8': { bytes: 8, dtype: 'F32' },
  '<f2': { bytes: 2, dtype: 'F16' },
  '<u2': { bytes: 2, dtype: 'BF16' },
  '<i8': { bytes: 8, dtype: 'I64' },
  '<i4': { bytes: 4, dtype: 'I32' },
  '|u1': { bytes: 1, dtype: 'U8' },
  '|b1': { bytes: 1, dtype: 'U8' },
};

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/**
 * Reads an array of NumPy (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html), versions 1 to 3, with the
 * rows or the columns together.
 *
 * @param name for messages
 * @throws DistilleryError `artifact_corrupt`
 */
export function readArray(name: string, file: Uint8Array): NamedTensor {
  if (file.length < 12 || magic.some((byte, index) => file[index] !== byte)) {
    throw refusal(name, 'it is no array of NumPy');
  }
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const isLong = file[6] > 1;
  const start = isLong ? 12 : 10;
  const length = isLong ? view.getUint32(8, true) : view.getUint16(8, true);
  const header = new TextDecoder().decode(file.subarray(start, start + length));
  const found = /'descr': '([^']+)'.*'fortran_order': (True|False).*'shape': \(([\d, ]*)\)/s.exec(header);
  if (found === null) throw refusal(name, `its header cannot be read: ${header.slice(0, 100).trim()}`);
  const [, descr, fortran, extents] = found;
  const type = types[descr];
  if (type === undefined) {
    throw refusal(name, `its type ${descr} is none of ${Object.keys(types).join(', ')}`);
  }
  const shape = extents.split(',').flatMap((extent) => (extent.trim() === '' ? [] : [Number(extent)]));
  const count = shape.reduce((product, extent) => product * extent, 1);
  const bytes = file.slice(start + length);
  if (bytes.length !== count * type.bytes) {
    throw refusal(
      name,
      `it has ${bytes.length} bytes for the shape [${shape}], expected ${count * type.bytes}`,
    );
  }
  const { dtype } = type;
  const isDouble = dtype === 'F32' && type.bytes === 8;
  const data = isDouble
    ? Float32Array.from(new Float64Array(bytes.buffer))
    : new dtypes[dtype].array(bytes.buffer);
  if (fortran === 'False' || shape.length < 2) return { name, dtype, shape, data };
  if (!(data instanceof Float32Array)) throw refusal(name, 'arrays in Fortran order must hold floats');
  const axes = shape.map((_, axis) => shape.length - 1 - axis);
  return { name, dtype, ...permute(data, [...shape].reverse(), axes) };
}

function refusal(name: string, reason: string): DistilleryError {
  return new DistilleryError('artifact_corrupt', `the array ${name} cannot be read: ${reason}`);
}
