import { unpackedBytes } from '../unpacked-bytes.ts';

/** The header of an IDX file, and its content. */
export interface Idx {
  /** The size of each dimension. */
  shape: number[];
  /** The bytes behind the header; reading them to the end closes the file. */
  content: AsyncIterable<Buffer>;
  /** Closes the file early. */
  close(): Promise<unknown>;
}

/** The most images or labels of one file. */
const maximumCount = 50_000_000;

const unsignedByte = 8;
/** The names of the other types of numbers. */
const types: Record<number, string> = { 9: 'int8', 11: 'int16', 12: 'int32', 13: 'float32', 14: 'float64' };

/**
 * Opens an IDX file of unsigned bytes, the format of MNIST; it may be packed by gzip.
 *
 * @throws RangeError for another file
 */
export async function openIdx(path: string): Promise<Idx> {
  const chunks = unpackedBytes(path);
  try {
    let head: Buffer = Buffer.alloc(0);
    while (head.length < 4 || head.length < 4 + 4 * head[3]) {
      const { value, done } = await chunks.next();
      if (done) throw new RangeError('is not an IDX file: it ends within its header');
      head = Buffer.concat([head, value]);
      if (head.length >= 4) checkMagic(head);
    }
    const dimensions = head[3];
    const shape = Array.from({ length: dimensions }, (_, axis) => head.readUInt32BE(4 + 4 * axis));
    if (shape[0] > maximumCount) throw new RangeError(`has ${shape[0]} entries, more than ${maximumCount}`);
    return {
      shape,
      content: following(head.subarray(4 + 4 * dimensions), chunks),
      close: () => chunks.return(undefined),
    };
  } catch (error) {
    await chunks.return(undefined);
    throw error;
  }
}

function checkMagic(head: Buffer): void {
  const [first, second, type, dimensions] = head;
  if (first !== 0 || second !== 0 || (type !== unsignedByte && types[type] === undefined))
    throw new RangeError(
      `is not an IDX file: it begins with the bytes ${head.subarray(0, 4).toString('hex')}, expected 0000 08`,
    );
  if (type !== unsignedByte) throw new RangeError(`holds ${types[type]}; expected unsigned bytes`);
  if (dimensions < 1 || dimensions > 4)
    throw new RangeError(`has ${dimensions} dimensions; expected 1 for labels, 3 or 4 for images`);
}

async function* following(first: Buffer, chunks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first;
  yield* chunks;
}
