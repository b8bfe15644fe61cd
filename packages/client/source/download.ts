import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { ApiError } from './api-error.ts';
import { ConnectionError } from './connection-error.ts';
import { delay } from './delay.ts';
import { isTransient, pauseMs } from './retry.ts';
import type { CallOptions, Transport } from './transport.ts';

/** The bytes of a file differ from the digest that the service sent with them. */
export class DigestError extends Error {
  constructor(name: string, actual: string, expected: string, remedy = 'download it again') {
    super(`${name} has the SHA-256 ${actual}, expected ${expected}; ${remedy}`);
    this.name = 'DigestError';
  }
}

export interface DownloadOptions extends CallOptions {
  /** Is told how many bytes have come, after each piece. */
  onProgress?: (received: number, size: number) => void;
}

/**
 * A file that comes from the service. Iterate it, or take `stream` or `bytes()`, once. A connection that is cut is made
 * again where it ended. The last piece is followed by an error if the file differs from its digest.
 */
export interface Download extends AsyncIterable<Uint8Array> {
  /** The name that the service suggests for the file. */
  readonly name: string;
  /** The size in bytes. */
  readonly size: number;
  readonly mediaType: string;
  /** The SHA-256 of the file, in hexadecimal. */
  readonly digest: string;
  /** The bytes as a web stream. In Node, `Readable.fromWeb(stream)` makes a Node stream of it. */
  readonly stream: ReadableStream<Uint8Array>;
  /** Reads the whole file into memory. */
  bytes(): Promise<Uint8Array>;
}

/** A connection that is silent for longer than this is cut. */
const silenceMs = 30_000;

/** Requests a file and returns when its headers are there. */
export async function download(
  transport: Transport,
  request: { path: string; query?: Record<string, string | number | undefined> },
  { onProgress, ...options }: DownloadOptions,
): Promise<Download> {
  const { signal, retries = 8 } = options;
  const open = async (headers: Record<string, string> = {}): Promise<Connection> => {
    const cut = new AbortController();
    const abort = () => cut.abort(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    const end = () => {
      signal?.removeEventListener('abort', abort);
      cut.abort();
    };
    try {
      signal?.throwIfAborted();
      const accept = { accept: '*/*', ...headers };
      const response = await transport.open({ ...request, ...options, headers: accept, signal: cut.signal });
      return { response, end };
    } catch (error) {
      end();
      throw error;
    }
  };

  const first = await open();
  const { headers } = first.response;
  const tag = headers.get('etag') ?? '';
  const size = Number(headers.get('content-length'));
  const expected = digestOf(headers.get('repr-digest')) ?? '';
  const name = nameOf(headers.get('content-disposition')) ?? request.path;

  async function* pieces(): AsyncGenerator<Uint8Array, void, void> {
    const hash = sha256.create();
    let received = 0;
    let connection: Connection | undefined = first;
    for (let failures = 0; ; ) {
      try {
        connection ??= await open({ range: `bytes=${received}-`, 'if-range': tag });
        if (connection.response.status !== 206 && received > 0)
          throw new Error(`${name} has changed while it was downloaded; download it again`);
        for await (const piece of bodyOf(connection)) {
          failures = 0;
          received += piece.length;
          hash.update(piece);
          onProgress?.(received, size);
          yield piece;
        }
        if (received >= size) break;
        throw new ConnectionError(request.path, new Error(`it ended after ${received} of ${size} bytes`));
      } catch (error) {
        signal?.throwIfAborted();
        const pause = pauseMs(++failures, error);
        if (failures > retries || !isTransient(error) || pause === undefined) throw error;
        await delay(pause, signal);
      } finally {
        connection?.end();
        connection = undefined;
      }
    }
    const actual = bytesToHex(hash.digest());
    if (actual !== expected) throw new DigestError(name, actual, expected);
  }

  const iterator = pieces();
  return {
    name,
    size,
    mediaType: headers.get('content-type') ?? 'application/octet-stream',
    digest: expected,
    [Symbol.asyncIterator]: () => iterator,
    stream: new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const { done, value } = await iterator.next();
          if (done) controller.close();
          else controller.enqueue(value);
        },
        async cancel() {
          await iterator.return();
          first.end();
        },
      },
      { highWaterMark: 0 },
    ),
    async bytes() {
      const whole = new Uint8Array(size);
      let at = 0;
      for await (const piece of iterator) {
        whole.set(piece, at);
        at += piece.length;
      }
      return whole;
    },
  };
}

interface Connection {
  response: Response;
  /** Ends the connection, if it has not ended. */
  end(): void;
}

/** The pieces of a body as they come. @throws ConnectionError when it is cut, or silent for too long */
async function* bodyOf({ response, end }: Connection): AsyncGenerator<Uint8Array, void, void> {
  const reader = response.body?.getReader();
  for (;;) {
    const silence = setTimeout(end, silenceMs);
    try {
      const part = await reader?.read();
      if (part === undefined || part.done) return;
      yield part.value;
    } catch (error) {
      throw error instanceof ApiError ? error : new ConnectionError(response.url, error);
    } finally {
      clearTimeout(silence);
    }
  }
}

/** The hexadecimal SHA-256 of a `Repr-Digest` header (RFC 9530). */
function digestOf(header: string | null): string | undefined {
  const text = /sha-256=:([^:]+):/.exec(header ?? '')?.[1];
  return text === undefined ? undefined : bytesToHex(Uint8Array.from(atob(text), (one) => one.charCodeAt(0)));
}

/** The file name of a `Content-Disposition` header (RFC 6266). */
function nameOf(header: string | null): string | undefined {
  const extended = /filename\*=UTF-8''([^;]+)/i.exec(header ?? '')?.[1];
  if (extended !== undefined) return decodeURIComponent(extended);
  return /filename="([^"]+)"/.exec(header ?? '')?.[1];
}
