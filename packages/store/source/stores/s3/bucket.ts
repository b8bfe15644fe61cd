import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import type { ByteRange } from '../../store.ts';
import { onBucket, s3Client, statusOf } from './client.ts';
import type { S3Location } from './location.ts';

/** Contents of up to this size are one request; larger ones are sent and fetched in parts of it, a few at once. */
export const partBytes = 8 * 2 ** 20;
export const partsAtOnce = 4;
/** An object has at most 10,000 parts (Amazon S3 User Guide, "Amazon S3 multipart upload limits"). */
const mostParts = 9000;

/** What a bucket tells of an object. The times of S3 are whole seconds. */
export interface ObjectInfo {
  size: number;
  etag: string;
  modified: Date;
}

/** A small object with the name that its writer gave itself. */
export interface TextObject {
  text: string;
  writer: string | undefined;
}

/** The content of an upload: bytes, or a local file. */
export type Content = Uint8Array | { path: string; size: number };

/** The requests of a store to its bucket; keys are relative to the store's prefix. Their errors are those of `onBucket`. */
export class Bucket {
  readonly location: S3Location;
  readonly client: S3Client;
  readonly #encryption: { ServerSideEncryption?: 'AES256' | 'aws:kms'; SSEKMSKeyId?: string };

  constructor(location: S3Location) {
    this.location = location;
    this.client = s3Client(location);
    const { encryption, kms_key } = location;
    this.#encryption = {
      ...(encryption === undefined ? {} : { ServerSideEncryption: encryption }),
      ...(kms_key === undefined ? {} : { SSEKMSKeyId: kms_key }),
    };
  }

  /** The bucket and the full key of an object, as a command takes them. */
  readonly at = (key: string): { Bucket: string; Key: string } => {
    const { bucket, prefix } = this.location;
    return { Bucket: bucket, Key: prefix + key };
  };

  /** Describes an object; undefined where it is absent. */
  async head(key: string): Promise<ObjectInfo | undefined> {
    return await onBucket('look for an object', async () => {
      const found = await unlessAbsent(() => this.client.send(new HeadObjectCommand(this.at(key))));
      if (found === undefined) return undefined;
      return {
        size: found.ContentLength ?? 0,
        etag: found.ETag ?? '',
        modified: found.LastModified ?? new Date(),
      };
    });
  }

  /**
   * Begins to read a range of an object, which lies within it; undefined where it is absent. A service may answer with more than was asked
   * for (RFC 9110, 14.2), so `start` is the position of the first byte of the body.
   */
  async get(key: string, { start, end }: ByteRange): Promise<{ body: Readable; start: number } | undefined> {
    return await onBucket('read an object', async () => {
      const command = new GetObjectCommand({ ...this.at(key), Range: `bytes=${start}-${end}` });
      const found = await unlessAbsent(() => this.client.send(command));
      if (found === undefined) return undefined;
      return { body: found.Body as Readable, start: Number(/\d+/.exec(found.ContentRange ?? '0')?.[0]) };
    });
  }

  /** Reads a small object; undefined where it is absent. */
  async text(key: string): Promise<TextObject | undefined> {
    return await onBucket('read a small object', async () => {
      const found = await unlessAbsent(() => this.client.send(new GetObjectCommand(this.at(key))));
      if (found === undefined) return undefined;
      return { text: (await found.Body?.transformToString()) ?? '', writer: found.Metadata?.writer };
    });
  }

  /** Writes a small object, in place of one that is there. */
  async put(key: string, text: string, writer?: string): Promise<void> {
    const command = new PutObjectCommand(this.#small(key, text, writer));
    await onBucket('write a small object', () => this.client.send(command));
  }

  /**
   * Writes a small object where there is none.
   *
   * @returns false where the key is taken, also by this call: an answer may have been lost, and the request was then repeated
   */
  async create(key: string, text: string, writer: string): Promise<boolean> {
    const object = { ...this.#small(key, text, writer), IfNoneMatch: '*' };
    return await onBucket('create an object', async () => {
      for (;;) {
        try {
          await this.client.send(new PutObjectCommand(object));
          return true;
        } catch (error) {
          const status = statusOf(error);
          if (status === 412) return false;
          // Another request for the same key was in work at the same moment; which of them wins is decided now.
          if (status !== 409) throw error;
        }
      }
    });
  }

  /** Writes a content of any size and returns its ETag. What a failure leaves of a large one is removed. */
  async upload(key: string, content: Content): Promise<string> {
    const size = content instanceof Uint8Array ? content.length : content.size;
    return await onBucket('write a blob', async () => {
      const upload = new Upload({
        client: this.client,
        partSize: Math.max(partBytes, Math.ceil(size / mostParts)),
        queueSize: partsAtOnce,
        params: { ...this.#object(key), Body: bodyOf(content) },
      });
      const { ETag } = await upload.done();
      return ETag ?? '';
    });
  }

  /** Removes an object; removing an absent one is no error. */
  async remove(key: string, abortSignal?: AbortSignal): Promise<void> {
    const command = new DeleteObjectCommand(this.at(key));
    await onBucket('remove an object', () => this.client.send(command, abortSignal && { abortSignal }));
  }

  /** Lists the objects whose keys begin with a prefix, by key. */
  async *list(prefix: string): AsyncGenerator<{ key: string } & ObjectInfo> {
    const { Bucket, Key } = this.at(prefix);
    for (let token: string | undefined, more = true; more; ) {
      const command = new ListObjectsV2Command({ Bucket, Prefix: Key, ContinuationToken: token });
      const page = await onBucket('list objects', () => this.client.send(command));
      for (const { Key: key = '', Size = 0, ETag = '', LastModified = new Date() } of page.Contents ?? []) {
        yield { key: key.slice(this.location.prefix.length), size: Size, etag: ETag, modified: LastModified };
      }
      token = page.NextContinuationToken;
      more = token !== undefined;
    }
  }

  #object(key: string) {
    return { ...this.at(key), ...this.#encryption };
  }

  #small(key: string, text: string, writer: string | undefined) {
    const body = Buffer.from(text);
    const written = writer === undefined ? {} : { Metadata: { writer } };
    return { ...this.#object(key), Body: body, ContentLength: body.length, ...written };
  }
}

function bodyOf(content: Content): Buffer | Readable {
  if (!(content instanceof Uint8Array)) return createReadStream(content.path, { highWaterMark: 2 ** 20 });
  return Buffer.from(content.buffer, content.byteOffset, content.length);
}

async function unlessAbsent<T>(request: () => Promise<T>): Promise<T | undefined> {
  try {
    return await request();
  } catch (error) {
    // A missing bucket has the same status; only a request with an answer in its body can tell.
    if (statusOf(error) === 404 && (error as Error).name !== 'NoSuchBucket') return undefined;
    throw error;
  }
}
