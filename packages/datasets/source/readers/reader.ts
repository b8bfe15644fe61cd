/**
 * What a thread needs to open the inputs of a split, as plain data for structured clone. Each kind adds fields such as a
 * path.
 */
export interface ReaderDescription {
  /** The kind of reader that opens it. */
  kind: string;
  /** The number of inputs. */
  count: number;
  /** The shape of one input: `[height, width, channels]` of an image, `[length]` of a text, in tokens. */
  shape: number[];
  /** The bytes of one input: one for each number of an image, two in this machine's byte order for each token of a text. */
  bytes: number;
  /** Readers with equal digests read equal inputs. */
  digest: string;
  /**
   * The number of inputs that lie near each other. An epoch is shuffled within parts of that size, so that it reads one part after
   * the other. Absent: inputs in any order are read equally fast.
   */
  window?: number;
  /**
   * The URL of a module that adds the kind to `readers` when it is imported; absent for kinds of this package. Sources set
   * it; it never comes from a request.
   */
  module?: string;
}

/** The inputs of a split as one thread reads them. */
export interface Reader {
  readonly count: number;
  readonly shape: readonly number[];
  readonly bytes: number;
  readonly digest: string;
  /**
   * Copies inputs in the order of `indices`.
   *
   * @param indices in any order; an index may repeat
   * @param into `[indices.length × bytes]`, overwritten completely
   * @throws RangeError for an index outside the split, an `into` of another length, and after `close`;
   *   DistilleryError `data_unavailable` when inputs are missing
   */
  read(indices: Int32Array, into: Uint8Array): void | Promise<void>;
  /** Releases files and memory; safe to call twice. */
  close(): void | Promise<void>;
}

/** Receives what a reader finds out. */
export interface ReaderHooks {
  /** Called with the name of a sample that cannot be decoded, and the reason; another sample of its class is read in its place. */
  skipped?: (name: string, reason: string) => void;
}

/** The part of a reader that its kind implements; `openReader` adds the checks that all kinds share. */
export type OpenedReader = Pick<Reader, 'read' | 'close'>;

/** A way to store inputs, or to create them on demand. A new kind is one file and one line in `index.ts`. */
export interface ReaderKind<Description extends ReaderDescription = ReaderDescription> {
  readonly type: string;
  /**
   * Opens the inputs in the thread that reads them. Import heavy modules here, not at the top of the file.
   *
   * @param openReader opens the readers that this one is built on
   * @throws DistilleryError `data_unavailable` when there is nothing to open
   */
  open(
    description: Description,
    openReader: (description: ReaderDescription) => Promise<Reader>,
    hooks: ReaderHooks,
  ): OpenedReader | Promise<OpenedReader>;
}
