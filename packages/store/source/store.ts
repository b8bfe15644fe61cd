import type { Readable } from 'node:stream';

/** Identifies a blob: its lower-case hexadecimal SHA-256 and its size in bytes. */
export interface BlobInfo {
  digest: string;
  size: number;
}

/** The manifest that has a name after a commit, and whether this call created it. */
export interface Commit<T> {
  created: boolean;
  manifest: T;
}

/** Positions of bytes in a blob, both inclusive, as in an HTTP range. */
export interface ByteRange {
  start: number;
  end: number;
}

export interface OpenOptions {
  /**
   * Compares the content with the digest before the reader is returned. A process does this once for each blob; a blob
   * that has changed since is verified again. Default: false.
   */
  verify?: boolean;
}

/**
 * An open blob, for reads at any position. The bytes are within reach of a synchronous read (a local file, or a local
 * copy of a remote object), and they stay readable until `close`, even if the blob is removed meanwhile.
 */
export interface BlobReader extends BlobInfo {
  /**
   * Fills `into` with the bytes from `position` on, as pread(2) does.
   *
   * @returns the number of bytes read: `into.length`, or fewer where the blob ends before
   * @throws DistilleryError `store_unavailable` when the bytes cannot be read
   */
  read(position: number, into: Uint8Array): number;
  close(): Promise<void>;
}

/** Checks a manifest's form. Every Zod schema is one. */
export interface ManifestSchema<T> {
  safeParse(
    value: unknown,
  ): { success: true; data: T } | { success: false; error: { message: string }; data?: undefined };
}

/**
 * The port of every artifact store: blobs, addressed by their content, and manifests, small JSON objects that are
 * created once under a name. Blobs are written first and the manifest that names them last, so a manifest never names a
 * blob that has not been written. Nothing is updated or renamed, because that would need a lock between workers.
 *
 * A name is segments of `[A-Za-z0-9._-]+` joined by `/`, such as `jobs/x/train/checkpoints/000003`. Every method
 * refuses a malformed name or digest with `malformed_request`. It fails with `disk_full` when no room is left, and with
 * `store_unavailable` (retryable) when the store is read-only or cannot be reached. Both errors keep their `cause`.
 */
export interface Store {
  /** The address under which `openStore` opens the same store in another thread or process. */
  readonly url: string;

  /**
   * Writes a blob from bytes, which must not change until the promise settles, or from a stream. Putting the same
   * content twice keeps one blob; putting it again repairs a damaged one. An error of the stream is passed on and leaves
   * nothing behind.
   */
  put(bytes: Uint8Array | AsyncIterable<Uint8Array>): Promise<BlobInfo>;

  /** Returns digest and size of a blob, or undefined where it is absent. Does not read the content. */
  stat(digest: string): Promise<BlobInfo | undefined>;

  /**
   * Reads a whole blob into an array buffer of its own, so that aligned typed arrays can view it, and verifies it.
   *
   * @throws DistilleryError `checkpoint_not_found` for an unknown digest, `artifact_corrupt` for other bytes than the
   *   digest's
   */
  read(digest: string): Promise<Uint8Array>;

  /**
   * Opens a blob for reads at any position, such as the rows of a large file.
   *
   * @throws DistilleryError `checkpoint_not_found` for an unknown digest; with `verify`, `artifact_corrupt` for other
   *   bytes than the digest's
   */
  open(digest: string, options?: OpenOptions): Promise<BlobReader>;

  /**
   * Streams a blob or one range of it; an `end` past the last byte means the last byte (RFC 9110, 14.1.2). Not verified.
   * Consume or destroy the stream, because it holds a file or a connection.
   *
   * @throws DistilleryError `checkpoint_not_found` for an unknown digest, `range_not_satisfiable` for a range outside
   *   the blob
   */
  stream(digest: string, range?: ByteRange): Promise<Readable>;

  /**
   * Returns the path of the store's own file with the content of a blob, for libraries that read files by name: undefined where
   * it is absent. A kind of store without local files has no such method. `localFile` is for callers of both.
   */
  localFile?(digest: string): Promise<string | undefined>;

  /**
   * Returns a URL from which anybody who has it may read a blob for some minutes, so that its bytes need not pass through this process. A
   * store has this method only where its URL asks for it.
   */
  downloadUrl?(digest: string, as: { name: string; mediaType: string }): Promise<string>;

  /**
   * Lists every blob that was last put or renewed before a time of `now`. Each is checked when its turn comes, so a blob
   * that is put again during the listing is left out.
   */
  blobs(before: Date): AsyncIterable<BlobInfo>;

  /**
   * Notes that a process uses a blob from now on without putting it, so that `remove` with an earlier time leaves it.
   *
   * @returns false where it is absent
   */
  renew(digest: string): Promise<boolean>;

  /**
   * Removes a blob; removing an absent one is no error.
   *
   * @param before a time of `now`: a blob that was put or renewed since then stays
   * @returns false where it stays
   */
  remove(digest: string, before?: Date): Promise<boolean>;

  /**
   * Creates a manifest, which is durable when this returns. The first of several writers wins, also between processes,
   * and all of them get its manifest. A manifest that is damaged, or that `schema` refuses, is replaced.
   *
   * @param manifest a JSON object without the key `check`, under which the store keeps the manifest's digest
   * @throws RangeError or TypeError for values that JSON cannot represent (NaN, a function)
   */
  commit<T extends object>(name: string, manifest: T, schema?: ManifestSchema<T>): Promise<Commit<T>>;

  /**
   * Reads the manifest under a name. A manifest that is damaged, or that `schema` refuses, counts as absent: the caller
   * rebuilds what it described. The store's `warn` receives the reason.
   */
  manifest<T>(name: string, schema: ManifestSchema<T>): Promise<T | undefined>;
  manifest(name: string): Promise<unknown>;

  /** As `renew`, for a manifest. */
  renewManifest(name: string): Promise<boolean>;

  /**
   * Removes a manifest; removing an absent one is no error. The name can then be committed again.
   *
   * @param before a time of `now`: a manifest that was committed or renewed since then stays
   * @returns false where it stays
   */
  removeManifest(name: string, before?: Date): Promise<boolean>;

  /** Lists the full names of all manifests below a folder, at any depth, sorted by code unit; `''` is the top. */
  list(prefix: string): Promise<string[]>;

  /**
   * Returns the time by the clock of the store, which may differ from that of this machine. It writes a little, so it also
   * tells whether the store can be written.
   */
  now(): Promise<Date>;
}
