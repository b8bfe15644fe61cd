import { openRegularFile } from '../regular-file.ts';
import type { ArchiveFormat } from './format.ts';
import { tar } from './tar.ts';
import { tarGzip } from './tar-gzip.ts';

/** All formats. A file is read by the first one that matches. */
const formats: ArchiveFormat[] = [tarGzip, tar];

export const archiveFormats = {
  get list(): readonly ArchiveFormat[] {
    return formats;
  },
  /**
   * Detects the format of a file by its first bytes.
   *
   * @throws RangeError when no format matches
   */
  async of(path: string): Promise<ArchiveFormat> {
    const file = await openRegularFile(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0);
      const found = formats.find((format) => format.matches(buffer.subarray(0, bytesRead)));
      if (found === undefined)
        throw new RangeError(
          `is not an archive of a known format: ${formats.map(({ type }) => type).join(', ')}`,
        );
      return found;
    } finally {
      await file.close();
    }
  },
};
