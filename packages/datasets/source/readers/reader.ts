/**
 * What a thread needs to open the inputs of a split: plain data that structured clone carries. Each kind adds what it
 * needs, such as a path.
 */
export interface ReaderDescription {
  /** The reader that opens it. */
  kind: string;
  /** Number of inputs. */
  count: number;
  /** Of one input: `[height, width, channels]` of an image, `[length]` in tokens of a text. */
  shape: number[];
  /** Bytes of one input: one for each number of an image, two in this machine's order for each token of a text. */
  bytes: number;
  /** Readers with equal digests read equal inputs. */
  digest: string;
  /**
   * URL of a module that adds the kind to `readers` when it is imported; absent for kinds of this package. Written by
   * sources alone, never taken from a request.
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
   * Copies inputs, in the order asked for.
   *
   * @param indices in any order, repeated or not
   * @param into `[indices.length × bytes]`, overwritten whole
   * @throws RangeError for an index outside the split, an `into` of another length, and after `close`;
   *   DistilleryError `data_unavailable` when the inputs are gone or cut short
   */
  read(indices: Int32Array, into: Uint8Array): void | Promise<void>;
  /** Releases files and memory; safe to call twice. */
  close(): void | Promise<void>;
}

/** What a kind does itself; `openReader` adds the checks that are the same for all. */
export type OpenedReader = Pick<Reader, 'read' | 'close'>;

/** A way to keep inputs, or to make them when they are asked for; a new one is one file and a line in `index.ts`. */
export interface ReaderKind<Description extends ReaderDescription = ReaderDescription> {
  readonly type: string;
  /**
   * Called in the thread that reads; imports what is heavy only here.
   *
   * @param openReader opens readers that this one is made of
   * @throws DistilleryError `data_unavailable` when there is nothing to open
   */
  open(
    description: Description,
    openReader: (description: ReaderDescription) => Promise<Reader>,
  ): OpenedReader | Promise<OpenedReader>;
}
