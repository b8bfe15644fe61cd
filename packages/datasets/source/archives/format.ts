/** An entry as it is in the archive, before any check. */
export interface RawEntry {
  name: string;
  /** The unpacked size in bytes. */
  size: number;
  /** `file`, `directory`, or another type such as `symlink`. */
  type: string;
  /** Reads the contents. Call it before the next entry is requested; contents that are not read are skipped. */
  read(): Promise<Buffer>;
  /** Where the contents are, for `ArchiveFormat.open`; absent where that does not exist. */
  place?: string;
}

/** An archive whose entries can be read in any order. */
export interface OpenedArchive {
  /**
   * Reads the contents of an entry.
   *
   * @param place that of the entry
   * @throws RangeError for damaged contents; the errors of reading
   */
  read(place: string): Promise<Buffer>;
  close(): void;
}

/** A format of archives. A new one is one file and one line in `formats.ts`. */
export interface ArchiveFormat {
  readonly type: string;
  /** Whether a file has this format, by up to 512 of its first bytes. */
  matches(head: Buffer): boolean;
  /**
   * Yields the entries in their order, without unpacking the file to disk, and limits the bytes between two entries.
   *
   * @throws the errors of reading and unpacking; the reason of the signal, or an AbortError, when it is aborted
   */
  entries(path: string, signal?: AbortSignal): AsyncGenerator<RawEntry>;
  /** Opens the file for reading entries in any order; absent for formats that can only be read from the beginning. */
  open?(path: string): Promise<OpenedArchive>;
}
