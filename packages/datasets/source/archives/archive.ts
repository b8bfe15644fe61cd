import { archiveFormats } from './formats.ts';

/** An image larger than this is not training data; the bound keeps a hostile archive out of memory. */
export const MAX_FILE_BYTES = 64 * 2 ** 20;
export const MAX_FILES = 2_000_000;
/** Unpacked bytes that are read at most, wanted or not: a small file can unpack to terabytes. */
const MAX_UNPACKED_BYTES = 256 * 2 ** 30;

export interface ArchiveEntry {
  /** Relative, with `/` between its parts and neither `.` nor `..` among them. */
  name: string;
  size: number;
  /** The contents; what is not read is skipped. Only before the next entry is asked for. */
  read(): Promise<Buffer>;
}

/**
 * Walks an archive, whose format its first bytes tell, in the order of the file, without unpacking it to disk. Only plain
 * files with names that stay inside are yielded; links, devices and other names go to `refuse`.
 *
 * @throws RangeError past a bound, and whatever reading, unpacking or the format report
 */
export async function* archiveEntries(
  path: string,
  refuse: (name: string, reason: string) => void = () => {},
  signal?: AbortSignal,
): AsyncGenerator<ArchiveEntry> {
  const format = await archiveFormats.of(path);
  let entries = 0;
  let unpacked = 0;
  for await (const { name: raw, size, type, read } of format.entries(path, signal)) {
    if (++entries > MAX_FILES) throw new RangeError(`more than ${MAX_FILES} entries`);
    unpacked += size;
    if (unpacked > MAX_UNPACKED_BYTES)
      throw new RangeError(`unpacks to more than ${MAX_UNPACKED_BYTES} bytes`);
    const name = insideName(raw);
    if (type === 'file') {
      if (name === undefined) refuse(raw, 'its name leads out of the archive');
      else if (size > MAX_FILE_BYTES) throw new RangeError(`${raw}: ${size} bytes, past ${MAX_FILE_BYTES}`);
      else yield { name, size, read };
    } else if (type !== 'directory') refuse(raw, `is a ${type}, not a file`);
  }
}

/** The name without `./` parts; undefined for one that is absolute or climbs. */
function insideName(raw: string): string | undefined {
  const parts = raw.split(/[/\\]/);
  if (parts[0] === '' || /^[a-z]:$/i.test(parts[0]) || parts.includes('..') || raw.includes('\0'))
    return undefined;
  return parts.filter((part) => part !== '' && part !== '.').join('/');
}
