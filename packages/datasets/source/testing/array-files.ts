import { crc32, deflateRawSync } from 'node:zlib';

/** An IDX file. @param type the code of the type of its numbers; default: unsigned bytes */
export function idxFile(shape: readonly number[], content: Uint8Array, type = 8): Buffer {
  const head = Buffer.alloc(4 + 4 * shape.length);
  head[2] = type;
  head[3] = shape.length;
  for (const [axis, size] of shape.entries()) head.writeUInt32BE(size, 4 + 4 * axis);
  return Buffer.concat([head, content]);
}

/** A file of NumPy's format 1.0. */
export function npyFile(
  descr: string,
  shape: readonly number[],
  content: Uint8Array,
  fortran = false,
): Buffer {
  const size = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${size}), }`;
  const padded = `${text.padEnd(Math.ceil((11 + text.length) / 64) * 64 - 11)}\n`;
  const head = Buffer.from(`\x93NUMPY\x01\x00..${padded}`, 'latin1');
  head.writeUInt16LE(padded.length, 8);
  return Buffer.concat([head, content]);
}

/** A zip file, its entries compressed or stored. */
export function zipFile(entries: Record<string, Uint8Array>, { compress = true } = {}): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [name, content] of Object.entries(entries)) {
    const packed = compress ? deflateRawSync(content) : content;
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(compress ? 8 : 0, 4);
    fields.writeUInt32LE(crc32(content), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(content.length, 18);
    fields.writeUInt16LE(name.length, 22);
    const local = [Buffer.from('PK\x03\x04'), fields, Buffer.from(name), Buffer.from(packed)];
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(at, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\x00'), fields, rest, Buffer.from(name));
    parts.push(...local);
    at += Buffer.concat(local).length;
  }
  const end = Buffer.alloc(18);
  const count = Object.keys(entries).length;
  end.writeUInt16LE(count, 4);
  end.writeUInt16LE(count, 6);
  end.writeUInt32LE(Buffer.concat(directory).length, 8);
  end.writeUInt32LE(at, 12);
  return Buffer.concat([...parts, ...directory, Buffer.from('PK\x05\x06'), end]);
}

/** The planes of an image of CIFAR: pixel p is (p, p + 1, p + 2) modulo 256, shifted by `first`. */
export function cifarImage(first: number): Buffer {
  return Buffer.from(
    Array.from({ length: 3072 }, (_, i) => ((i % 1024) + Math.floor(i / 1024) + first) & 255),
  );
}

/** A record of CIFAR's binary archives. */
export function cifarRecord(labels: readonly number[], first: number): Buffer {
  return Buffer.concat([Buffer.from(labels), cifarImage(first)]);
}

/** A file of CIFAR's Python archives, as Python 2 pickles it. */
export function cifarPickle(labels: Record<string, number[]>, images: readonly number[]): Buffer {
  const parts: Buffer[] = [];
  const add = (text: string) => parts.push(Buffer.from(text, 'latin1'));
  const text = (value: string) => add(`U${String.fromCharCode(value.length)}${value}`);
  const whole = (value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    return bytes.toString('latin1');
  };
  add('\x80\x02}q\x01(');
  for (const [name, values] of Object.entries(labels)) {
    text(name);
    add(`]q\x02(${values.map((value) => `K${String.fromCharCode(value)}`).join('')}e`);
  }
  text('data');
  add('cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85U\x01b\x87Rq\x05');
  add(
    `(K\x01J${whole(images.length)}M\x00\x0c\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ${whole(-1)}J${whole(-1)}K\x00tb\x89T${whole(3072 * images.length)}`,
  );
  for (const first of images) parts.push(cifarImage(first));
  add('tbu.');
  return Buffer.concat(parts);
}
