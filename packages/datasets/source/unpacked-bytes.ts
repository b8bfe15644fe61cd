import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { openRegularFile } from './regular-file.ts';

const readBytes = 1 << 20;
/** The most unpacked bytes of one file, because a small file can unpack to terabytes. */
const maximumBytes = 256 * 2 ** 30;

/**
 * Reads a file in chunks of up to 1 MiB. A file that begins as gzip does is unpacked.
 *
 * @throws RangeError beyond the limit of unpacked bytes, and for a damaged gzip file; the errors of reading the file
 */
export async function* unpackedBytes(path: string): AsyncGenerator<Buffer> {
  const handle = await openRegularFile(path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    const packed = bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
    const file = handle.createReadStream({ start: 0, highWaterMark: readBytes, autoClose: false });
    const chunks = packed ? gunzipped(file) : (file as AsyncIterable<Buffer>);
    let bytes = 0;
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > maximumBytes) throw new RangeError(`holds more than ${maximumBytes} bytes`);
      yield chunk;
    }
  } finally {
    await handle.close();
  }
}

async function* gunzipped(file: Readable): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: readBytes });
  file.on('error', (error) => gunzip.destroy(error));
  try {
    yield* file.pipe(gunzip) as AsyncIterable<Buffer>;
  } catch (cause) {
    throw new RangeError(`the gzip data is damaged: ${(cause as Error).message}`, { cause });
  } finally {
    file.destroy();
    gunzip.destroy();
  }
}
