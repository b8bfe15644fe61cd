import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/**
 * Opens a file for reading. Opening a pipe would wait until somebody writes to it, on one of the few threads that the
 * process has for files, so anything but a regular file is refused without waiting.
 *
 * @throws RangeError for a pipe, a folder, a device or a socket; the error of the system when the file cannot be opened
 */
export async function openRegularFile(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    // A socket, or a device without its driver, cannot be opened at all.
    if ((cause as NodeJS.ErrnoException).code === 'ENXIO') throw notRegular(cause);
    throw cause;
  });
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw notRegular();
}

function notRegular(cause?: unknown): RangeError {
  return new RangeError('is not a regular file', { cause });
}
