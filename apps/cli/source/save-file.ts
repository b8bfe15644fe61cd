import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';

/**
 * Writes a file as its pieces come. It has its name only once it is complete: what ends in `.part` is not.
 *
 * @param pieces end with an error when the file is damaged
 */
export async function saveFile(path: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const draft = `${path}.part`;
  try {
    await pipeline(pieces, createWriteStream(draft));
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
