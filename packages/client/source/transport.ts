import { ApiError } from './api-error.ts';
import { ConnectionError } from './connection-error.ts';
import { delay } from './delay.ts';
import { isTransient, pauseMs } from './retry.ts';

/** What every call of the client takes. */
export interface CallOptions {
  /** Ends the call, which throws the reason of the signal. */
  signal?: AbortSignal | undefined;
  /** Milliseconds that one attempt may take; default: that of the client. */
  timeoutMs?: number | undefined;
  /** How many times a request that is safe to repeat is sent again after a failure that may pass; default: that of the client. */
  retries?: number | undefined;
}

export interface ClientOptions {
  /** An API key, `dk_…`, for an API that requires one. Pages of the service have a cookie instead. */
  token?: string | undefined;
  /** Milliseconds that one attempt of a request may take, for the whole response; default 30 000. Streams may take longer. */
  timeoutMs?: number;
  /** How many times a request that is safe to repeat is sent again; default 4, within about four seconds. */
  retries?: number;
  /** Replaces the global `fetch`, for a proxy or an agent. */
  fetch?: typeof fetch;
}

type Query = Record<string, string | number | boolean | readonly string[] | undefined>;

export interface ApiRequest extends CallOptions {
  path: string;
  method?: 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  query?: Query;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as they are. */
  bytes?: Uint8Array<ArrayBuffer>;
  headers?: Record<string, string | undefined>;
  /** Whether it can be sent twice without harm; default true, except for POST. */
  repeatable?: boolean;
}

/** Sends requests to one API, again where that is safe. */
export interface Transport {
  /** Returns the JSON of a response. */
  json<T>(request: ApiRequest): Promise<T>;
  /** Returns the bytes of a response. */
  bytes(request: ApiRequest): Promise<Uint8Array>;
  /** Returns a response as soon as its headers are there. Only the signal ends its body. */
  open(request: ApiRequest): Promise<Response>;
  /** Returns the headers of a response without content. */
  headers(request: ApiRequest): Promise<Headers>;
  /** Sends a request whose response has no content. */
  done(request: ApiRequest): Promise<void>;
}

/** @param url the base URL of the API; of a page of the service, also `/` */
export function createTransport(
  url: string,
  { token, timeoutMs: usualTimeoutMs = 30_000, retries: usual = 4, fetch: send = fetch }: ClientOptions,
): Transport {
  const base = url.replace(/\/+$/, '');

  async function call<T>(request: ApiRequest, read: (response: Response) => Promise<T>, streams = false) {
    const { method = 'GET', repeatable = method !== 'POST', retries = usual, signal } = request;
    for (let attempt = 1; ; attempt++) {
      try {
        return await once(request, read, streams);
      } catch (error) {
        const pause = pauseMs(attempt, error);
        if (!repeatable || attempt > retries || !isTransient(error) || pause === undefined) throw error;
        await delay(pause, signal);
      }
    }
  }

  async function once<T>(request: ApiRequest, read: (response: Response) => Promise<T>, streams: boolean) {
    const { path, method = 'GET', query = {}, body, bytes, signal, timeoutMs = usualTimeoutMs } = request;
    const headers = new Headers({ accept: 'application/json' });
    if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
    if (body !== undefined) headers.set('content-type', 'application/json');
    for (const [name, value] of Object.entries(request.headers ?? {}))
      if (value !== undefined) headers.set(name, value);
    const where = base + path + queryString(query);

    signal?.throwIfAborted();
    const attempt = new AbortController();
    const abort = () => attempt.abort(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    const timer = setTimeout(
      () => attempt.abort(new Error(`it took longer than ${timeoutMs} ms`)),
      timeoutMs,
    );
    let kept = false;
    try {
      const text = body === undefined ? bytes && { body: bytes } : { body: JSON.stringify(body) };
      const response = await send(where, { method, headers, signal: attempt.signal, ...text });
      if (!response.ok) throw await ApiError.of(response);
      const result = await read(response);
      kept = streams;
      return result;
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof ApiError || error instanceof NotJsonError) throw error;
      throw new ConnectionError(where, attempt.signal.aborted ? attempt.signal.reason : error);
    } finally {
      clearTimeout(timer);
      if (!kept) signal?.removeEventListener('abort', abort);
    }
  }

  return {
    json: <T>(request: ApiRequest) => call(request, (response) => jsonOf<T>(response)),
    bytes: (request) => call(request, async (response) => new Uint8Array(await response.arrayBuffer())),
    open: (request) => call(request, async (response) => response, true),
    headers: (request) =>
      call(request, async (response) => {
        await response.arrayBuffer();
        return response.headers;
      }),
    done: (request) => call(request, async (response) => void (await response.arrayBuffer())),
  };
}

class NotJsonError extends Error {
  constructor(url: string, cause: unknown) {
    super(`${url} did not answer with JSON: is it the address of a Distillery API?`, { cause });
  }
}

async function jsonOf<T>(response: Response): Promise<T> {
  const text = await response.text();
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw new NotJsonError(response.url, error);
  }
}

function queryString(query: Query): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value])
      .filter((one) => one !== undefined)
      .map((one): [string, string] => [name, String(one)]),
  );
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`;
}
