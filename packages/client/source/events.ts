import type { StreamEvent } from '@distillery/spec';
import { isTerminal } from '@distillery/spec/states';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { ApiError } from './api-error.ts';
import { delay } from './delay.ts';
import { isTransient } from './retry.ts';
import type { ApiRequest, CallOptions, Transport } from './transport.ts';

export interface FollowOptions extends CallOptions {
  /** The id of the last event that is known: those after it follow. */
  after?: string | undefined;
  /** Is told that a connection was lost, or could not be made again; the next event shows that there is one again. */
  onLost?: ((reason: unknown) => void) | undefined;
}

/** The service sends something every 15 seconds: a connection that is silent for longer than this is gone. */
const silenceMs = 45_000;
const longestDelayMs = 30_000;

/**
 * Yields the events of a stream, and connects again behind the last one whenever the connection is lost.
 *
 * @throws ApiError when the service refuses the request; ConnectionError when the first connection cannot be made, as
 * often as `retries` allows
 */
export async function* streamEvents(
  transport: Transport,
  request: Pick<ApiRequest, 'path' | 'query'>,
  { after, signal, onLost, ...options }: FollowOptions,
): AsyncGenerator<StreamEvent, void, void> {
  let last = after;
  let connected = false;
  let over = false;
  let retryMs = 1000;
  for (let failures = 0; ; failures++) {
    signal?.throwIfAborted();
    const connection = new AbortController();
    const abort = () => connection.abort();
    signal?.addEventListener('abort', abort);
    try {
      const response = await transport.open({
        ...request,
        headers: { accept: 'text/event-stream', 'last-event-id': last },
        ...options,
        ...(connected ? { retries: 0 } : {}),
        signal: connection.signal,
      });
      connected = true;
      if (response.status === 204 || response.body === null) return;
      const told = (milliseconds: number) => {
        retryMs = milliseconds;
      };
      for await (const { id = last, data } of messages(response.body, connection, told)) {
        last = id;
        failures = 0;
        const event = JSON.parse(data) as StreamEvent;
        over = event.type === 'job' && isTerminal(event.state);
        yield event;
      }
      if (over) return;
    } catch (error) {
      signal?.throwIfAborted();
      // What reading a body throws when its connection is cut has no common type; what a refused request throws has one.
      if (!connected || error instanceof SyntaxError || isRefusal(error)) throw error;
      onLost?.(error);
    } finally {
      signal?.removeEventListener('abort', abort);
      connection.abort();
    }
    // Spread, so that the readers of a service that starts again do not all come at once.
    await delay(Math.min(longestDelayMs, retryMs * 2 ** failures) * Math.random(), signal);
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof ApiError && !isTransient(error);
}

/** The messages of a body as they come. Aborts the connection when nothing comes. */
async function* messages(
  body: ReadableStream<Uint8Array>,
  connection: AbortController,
  onRetry: (milliseconds: number) => void,
): AsyncGenerator<EventSourceMessage, void, void> {
  let parsed: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (message) => parsed.push(message), onRetry });
  const decoder = new TextDecoder();
  const reader = body.getReader();
  for (;;) {
    const silence = setTimeout(() => connection.abort(), silenceMs);
    const { done, value } = await reader.read().finally(() => clearTimeout(silence));
    if (done) return;
    parser.feed(decoder.decode(value, { stream: true }));
    const ready = parsed;
    parsed = [];
    yield* ready;
  }
}
