import { crc32 } from 'node:zlib';
import type { Entry, ZipFile } from 'yauzl';

/**
 * Yields the content of an entry of a zip file, and compares its checksum at the end. yauzl itself ends a stream with an error
 * that is longer or shorter than the entry says.
 *
 * @param message of the error of a wrong checksum
 * @throws RangeError when the checksum is wrong; the errors of unpacking
 */
export async function* zipContent(file: ZipFile, entry: Entry, message: string): AsyncGenerator<Buffer> {
  let sum = 0;
  for await (const chunk of (await file.openReadStreamPromise(entry)) as AsyncIterable<Buffer>) {
    sum = crc32(chunk, sum);
    yield chunk;
  }
  if (sum !== entry.crc32) throw new RangeError(message);
}
