import { problemOf, unreachable } from './problem.ts';

export interface RequestOptions {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Sent as JSON. */
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
  signal?: AbortSignal;
}

/** Is told when a request was refused for want of a session, so that the page can ask for a key. */
let onUnauthorized = () => {};
export function whenUnauthorized(listener: () => void): void {
  onUnauthorized = listener;
}

/**
 * Sends a request to the API of this page.
 *
 * @throws Problem for every answer that is not a success, and when there is no answer
 */
export async function send(path: string, options: RequestOptions = {}): Promise<Response> {
  const { method = 'GET', body, headers, signal } = options;
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      credentials: 'same-origin',
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw unreachable();
  }
  if (response.ok) return response;
  if (response.status === 401 && path !== '/v1/session') onUnauthorized();
  throw await problemOf(response);
}

/**
 * Sends a request and reads its JSON; undefined for an answer without a body.
 *
 * @throws Problem as `send` does
 */
export async function request<T>(path: string, options: RequestOptions = {}): Promise<T> {
  const response = await send(path, options);
  const text = await response.text().catch(() => {
    throw unreachable();
  });
  return (text === '' ? undefined : JSON.parse(text)) as T;
}
