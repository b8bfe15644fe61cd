import type { Readable } from 'node:stream';

/** What is known of a blob: its lower-case hexadecimal SHA-256 and its size in bytes. */
export interface BlobInfo {
  digest: string;
  size: number;
}

/** What stands under a name after a commit, and whether this call put it there. */
export interface Commit<T> {
  created: boolean;
  manifest: T;
}

/** Positions of bytes in a blob, both inclusive, as in an HTTP range. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * The port of every artifact store: blobs, addressed by their content, and manifests, small JSON documents that
 * are created once under a name. Blobs go first and their manifest last, so a manifest never names a blob
 * that is not there. There is no update and no rename: the two would need a lock between workers.
 *
 * A name is segments of `[A-Za-z0-9._-]+` joined by `/`, such as `jobs/x/train/checkpoints/000003`. Every method
 * refuses a malformed name or digest with `malformed_request`, and fails with `disk_full`, or with `store_unavailable`
 * (retryable) when the store cannot be used: read-only, unreachable. Both keep their `cause`.
 */
export interface Store {
  /**
   * Streams bytes in; they must not change until the promise settles. Idempotent by content, and a damaged
   * blob is healed by putting its bytes again. An error of the source passes through and leaves nothing behind.
   */
  put(bytes: Uint8Array | AsyncIterable<Uint8Array>): Promise<BlobInfo>;

  /** Digest and size of a blob, or undefined where there is none. Does not read the content. */
  stat(digest: string): Promise<BlobInfo | undefined>;

  /**
   * A whole blob in an array buffer of its own, so that aligned typed arrays can view it.
   * @throws `checkpoint_not_found` for an unknown digest, `artifact_corrupt` where the bytes do not verify.
   */
  read(digest: string): Promise<Uint8Array>;

  /**
   * A blob, or the bytes of one range of it; an `end` past the last byte means the last byte (RFC 9110, 14.1.2).
   * Not verified: part of a blob has no digest. Consume or destroy the stream, it holds a file or a connection.
   * @throws `checkpoint_not_found` for an unknown digest, `range_not_satisfiable` for a range outside the blob.
   */
  stream(digest: string, range?: ByteRange): Promise<Readable>;

  /**
   * An absolute path of a local file with the blob's bytes, for positional reads of large row files. The file
   * belongs to the store: do not write to it. Not verified.
   * @throws `checkpoint_not_found` for an unknown digest.
   */
  localPath(digest: string): Promise<string>;

  /**
   * Every blob whose bytes were last put before a time, each looked at when it is asked for: one that is put again
   * meanwhile is none of them.
   */
  blobs(before: Date): AsyncIterable<BlobInfo>;

  /** Removes a blob; no error when absent. */
  remove(digest: string): Promise<void>;

  /**
   * Creates a manifest; the first writer wins, also between processes, and it is durable when this returns. The
   * manifest that comes back is what now stands, as JSON keeps it.
   * @throws RangeError or TypeError for what JSON cannot keep (NaN, a function).
   */
  commit<T>(name: string, manifest: T): Promise<Commit<T>>;

  /** The manifest under a name, or undefined. @throws `artifact_corrupt` where it is not JSON. */
  manifest<T>(name: string): Promise<T | undefined>;

  /** Removes a manifest; no error when absent. The name can then be committed again. */
  removeManifest(name: string): Promise<void>;

  /** Full names of all manifests below a folder, at any depth, sorted by code unit; `''` is the top. */
  list(prefix: string): Promise<string[]>;
}
