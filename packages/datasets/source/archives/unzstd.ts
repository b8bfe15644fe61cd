import { Decompress } from 'fzstd';

/** A window of `zstd --ultra -22` and of `--long`; a frame may ask for 2 GiB of memory. */
const mostWindow = 128 * 2 ** 20;
const mostBlock = 128 * 2 ** 10;

/**
 * Decompresses a stream of Zstandard (RFC 8878), frame by frame and block by block, so that memory holds one window and one block:
 * the library itself would unpack all blocks of a chunk at once. Checksums are not compared.
 *
 * @throws RangeError for a stream that ends early, asks for too much memory, or is no Zstandard; the errors of the library
 */
export async function* unzstd(source: AsyncIterable<Buffer>): AsyncGenerator<Uint8Array> {
  const take = taker(source);
  for (let magic = await take(4, true); magic !== undefined; magic = await take(4, true)) {
    const number = magic.readUInt32LE();
    if (number >>> 4 === 0x184d2a5) await skip(take, (await take(4)).readUInt32LE());
    else if (number === 0xfd2fb528) yield* frame(take, magic);
    else throw new RangeError('is no Zstandard file');
  }
}

async function* frame(take: Take, magic: Buffer): AsyncGenerator<Uint8Array> {
  const descriptor = await take(1);
  const [flags] = descriptor;
  const isSingle = (flags & 32) !== 0;
  const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][flags >> 6];
  const dictionaryBytes = [0, 1, 2, 4][flags & 3];
  const fields = await take((isSingle ? 0 : 1) + dictionaryBytes + sizeBytes);
  const window = isSingle ? sizeOf(fields.subarray(dictionaryBytes)) : windowOf(fields[0]);
  if (window > mostWindow)
    throw new RangeError(
      `needs a window of ${window} bytes, more than ${mostWindow}; pack it without --long`,
    );
  const unpacked: Uint8Array[] = [];
  const decompress = new Decompress((chunk) => unpacked.push(chunk));
  decompress.push(Buffer.concat([magic, descriptor, fields]));
  for (let isLast = false; !isLast; ) {
    const header = await take(3);
    const bits = header.readUIntLE(0, 3);
    isLast = (bits & 1) === 1;
    // A block of one repeated byte has one byte, whatever its size.
    const bytes = ((bits >> 1) & 3) === 1 ? 1 : bits >> 3;
    if (bits >> 3 > mostBlock) throw new RangeError('is no Zstandard file: a block is too large');
    const body = await take(bytes);
    const checksum = isLast && (flags & 4) !== 0 ? await take(4) : Buffer.alloc(0);
    decompress.push(Buffer.concat([header, body, checksum]), isLast);
    yield* unpacked.splice(0);
  }
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

function sizeOf(field: Buffer): number {
  if (field.length === 8) return Number(field.readBigUInt64LE());
  return field.readUIntLE(0, field.length) + (field.length === 2 ? 256 : 0);
}

interface Take {
  (bytes: number): Promise<Buffer>;
  (bytes: number, mayEnd: true): Promise<Buffer | undefined>;
}

/** Returns a function that takes the next bytes of a stream. */
function taker(source: AsyncIterable<Buffer>): Take {
  const chunks = source[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  return (async (bytes: number, mayEnd?: true) => {
    while (rest.length < bytes) {
      const { value, done } = await chunks.next();
      if (done === true) {
        if (mayEnd && rest.length === 0) return undefined;
        throw new RangeError('ends within a Zstandard frame');
      }
      rest = rest.length === 0 ? value : Buffer.concat([rest, value]);
    }
    const taken = rest.subarray(0, bytes);
    rest = rest.subarray(bytes);
    return taken;
  }) as Take;
}

async function skip(take: Take, bytes: number): Promise<void> {
  for (let left = bytes; left > 0; left -= mostBlock) await take(Math.min(left, mostBlock));
}
