import { archiveFormats } from './formats.ts';

/** The most bytes of one file: larger images are not training data, and a malicious archive must not fill the memory. */
export const MAX_FILE_BYTES = 64 * 2 ** 20;
export const MAX_FILES = 2_000_000;
/** The most unpacked bytes of one archive, because a small file can unpack to terabytes. */
const MAX_UNPACKED_BYTES = 256 * 2 ** 30;

export interface ArchiveEntry {
  /** A relative path with `/` between its parts, none of which is `.` or `..`. */
  name: string;
  size: number;
  /** Reads the contents. Call it before the next entry is requested; contents that are not read are skipped. */
  read(): Promise<Buffer>;
  /** Where the contents are, for reading entries in any order; absent where the format does not allow it. */
  place?: string;
}

/**
 * Yields the files of an archive in their order, without unpacking it to disk. The first bytes determine the format. Links,
 * devices and names that lead out of the archive go to `refuse`.
 *
 * @param folder called with the name of each folder that has an entry of its own
 * @throws RangeError beyond a limit, and the errors of reading and unpacking
 */
export async function* archiveEntries(
  path: string,
  refuse: (name: string, reason: string) => void = () => {},
  signal?: AbortSignal,
  folder: (name: string) => void = () => {},
): AsyncGenerator<ArchiveEntry> {
  const format = await archiveFormats.of(path);
  let entries = 0;
  let unpacked = 0;
  for await (const { name: raw, size, type, read, place } of format.entries(path, signal)) {
    if (++entries > MAX_FILES) throw new RangeError(`more than ${MAX_FILES} entries`);
    unpacked += size;
    if (unpacked > MAX_UNPACKED_BYTES)
      throw new RangeError(`unpacks to more than ${MAX_UNPACKED_BYTES} bytes`);
    const name = insideName(raw);
    if (type === 'file') {
      if (name === undefined) refuse(raw, outside(raw));
      else if (size > MAX_FILE_BYTES)
        throw new RangeError(`${raw} is ${size} bytes long, more than ${MAX_FILE_BYTES}`);
      else yield { name, size, read, ...(place !== undefined && { place }) };
    } else if (type !== 'directory') refuse(raw, `is a ${type}, not a file`);
    else if (name !== undefined) folder(name);
  }
}

const isAbsolute = (raw: string) => /^([/\\]|[a-z]:([/\\]|$))/i.test(raw);

/** The name without `.` parts; undefined when it is absolute or contains `..`. */
function insideName(raw: string): string | undefined {
  const parts = raw.split(/[/\\]/);
  if (isAbsolute(raw) || /^[a-z]:$/i.test(parts[0]) || parts.includes('..') || raw.includes('\0'))
    return undefined;
  return parts.filter((part) => part !== '' && part !== '.').join('/');
}

function outside(raw: string): string {
  return isAbsolute(raw)
    ? 'has an absolute name: pack the folder by a relative name'
    : 'has a name that leads out of the archive';
}
