/** An entry as its archive has it, before anything is checked. */
export interface RawEntry {
  name: string;
  /** Unpacked bytes. */
  size: number;
  /** `file`, `directory`, or whatever else an archive holds, such as `symlink`. */
  type: string;
  /** The contents; what is not read is skipped. Only before the next entry is asked for. */
  read(): Promise<Buffer>;
}

/** A kind of archive; a new one is one file and a line in `formats.ts`. */
export interface ArchiveFormat {
  readonly type: string;
  /** Whether a file is one of these, by its first bytes, up to 512 of them. */
  matches(head: Buffer): boolean;
  /**
   * The entries in the order of the file, without unpacking it to disk. Bounds the bytes that it reads between entries.
   *
   * @throws what reading and unpacking report; the reason of the signal, or an AbortError, once it is aborted
   */
  entries(path: string, signal?: AbortSignal): AsyncGenerator<RawEntry>;
}
