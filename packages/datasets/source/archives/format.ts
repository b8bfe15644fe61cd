/** An entry as it is in the archive, before any check. */
export interface RawEntry {
  name: string;
  /** The unpacked size in bytes. */
  size: number;
  /** `file`, `directory`, or another type such as `symlink`. */
  type: string;
  /** Reads the contents. Call it before the next entry is requested; contents that are not read are skipped. */
  read(): Promise<Buffer>;
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
}
