import { canonicalJson } from '@distillery/spec';
import { z } from 'zod';
import { archiveOf, bytesOf, textBytes } from '../archive.ts';
import type { DType } from '../dtypes.ts';
import { bundledForTorch } from '../bundle/bundled-for-torch.ts';
import type { Format, NamedTensor, Weights } from '../format.ts';
import { halved, precisionOption } from '../halved.ts';
import { readMetadata } from '../metadata.ts';
import { readArray } from '../numpy/read-array.ts';
import { unpacked } from '../zip.ts';

const options = z.strictObject({ precision: precisionOption });

/** NumPy's names of the element types, little-endian. BF16 has none and is written as its bits. */
const types: Record<DType, string> = {
  F32: '<f4',
  F16: '<f2',
  BF16: '<u2',
  I64: '<i8',
  I32: '<i4',
  U8: '|u1',
};

/** Loads with `numpy.load(path)`: one array for each parameter. The metadata are the entry `metadata.json`. */
export const npz = {
  type: 'npz',
  bundled: bundledForTorch('npz'),
  summary: "NumPy's archive of named arrays",
  reference: 'https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html',
  options,
  mediaType: 'application/zip',
  extension: 'npz',
  encode({ parameters, metadata }: Weights, { precision }: z.output<typeof options>): Uint8Array {
    const arrays = parameters.map((tensor) => [`${tensor.name}.npy`, arrayFile(halved(tensor, precision))]);
    return archiveOf({ ...Object.fromEntries(arrays), 'metadata.json': textBytes(canonicalJson(metadata)) });
  },
  decode(bytes: Uint8Array): Weights {
    const files = unpacked(bytes);
    const metadata = files.get('metadata.json');
    const arrays = [...files].filter(([name]) => name.endsWith('.npy'));
    return {
      parameters: arrays.map(([name, file]) => readArray(name.slice(0, -'.npy'.length), file)),
      metadata: metadata === undefined ? {} : readMetadata(metadata),
    };
  },
} satisfies Format<typeof options>;

/** A file of version 1.0: a magic string, the length of the header, the header, padded to 64 bytes, the values. */
function arrayFile({ dtype, shape, data }: NamedTensor): Uint8Array {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const dictionary = `{'descr': '${types[dtype]}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const before = 10;
  const padding = (64 - ((before + dictionary.length + 1) % 64)) % 64;
  const header = textBytes(`${dictionary}${' '.repeat(padding)}\n`);
  const file = new Uint8Array(before + header.length + data.byteLength);
  file.set([0x93, ...textBytes('NUMPY'), 1, 0, header.length & 255, header.length >> 8]);
  file.set(header, before);
  file.set(bytesOf(data), before + header.length);
  return file;
}
