import { kindList } from '@distillery/spec/kind-list';
import { openRegularFile } from '../regular-file.ts';
import type { ArchiveFormat } from './format.ts';
import { tar } from './tar.ts';
import { tarGzip } from './tar-gzip.ts';
import { tarZstd } from './tar-zstd.ts';
import { zip } from './zip.ts';

const kinds = kindList<ArchiveFormat>('archive format', ({ type }) => type, [zip, tarGzip, tarZstd, tar]);

/** The formats. A file is read by the first one that matches. */
export const archiveFormats = {
  ...kinds,
  /**
   * Detects the format of a file by its first bytes.
   *
   * @throws RangeError when no format matches
   */
  async of(path: string): Promise<ArchiveFormat> {
    const file = await openRegularFile(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(512), 0, 512, 0);
      const found = kinds.list.find((format) => format.matches(buffer.subarray(0, bytesRead)));
      if (found === undefined)
        throw new RangeError(
          `is not an archive of a known format: ${kinds.list.map(({ type }) => type).join(', ')}`,
        );
      return found;
    } finally {
      await file.close();
    }
  },
};
