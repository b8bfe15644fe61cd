import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { DistilleryError } from '@distillery/spec';
import type { FastifyReply } from 'fastify';
import plugin from 'fastify-plugin';

export interface EventStreamOptions {
  /** The most streams that are open at once. */
  most: number;
  /** Seconds between two comments that keep a connection open; a reader that took nothing for as long is dropped. */
  heartbeatSeconds: number;
}

/** What a stream sends, in parts; undefined when there is nothing to send and nothing to wait for. */
export type StreamSource = (signal: AbortSignal) => Promise<AsyncIterable<string> | undefined>;

/** How a stream is written. */
export interface StreamForm {
  type: string;
  /** What begins it. */
  opening: string;
  /** What keeps its connection open, and means nothing. */
  heartbeat: string;
}

interface Stream {
  form: StreamForm;
  response: ServerResponse;
  stop: AbortController;
  /** Whether bytes of before the last heartbeat wait for the reader. */
  late: boolean;
}

/** Server-sent events, whose readers should connect again after 500 ms. */
const serverSentEvents: StreamForm = {
  type: 'text/event-stream; charset=utf-8',
  opening: 'retry: 500\n\n',
  heartbeat: ':\n\n',
};

/** Lines of text; empty ones keep the connection open. */
export const linesOfText: StreamForm = { type: 'text/plain; charset=utf-8', opening: '', heartbeat: '\n' };

/** How long the last bytes of a stream may take while the API closes. */
const graceMs = 1000;

const headers = {
  'cache-control': 'no-store',
  // Proxies such as nginx would collect the events before they pass them on.
  'x-accel-buffering': 'no',
};

/**
 * Answers requests with server-sent events (HTML, 9.2). A stream writes a part when its reader has taken the one before, so
 * that a slow reader costs the memory of one part; one that takes nothing between two heartbeats is dropped. When the API
 * closes, streams end; a stream that is then still open would hold the closing up.
 */
export const eventStreams = plugin(
  async (app, { most, heartbeatSeconds }: EventStreamOptions) => {
    const open = new Set<Stream>();
    let closing = false;

    const heartbeat = setInterval(() => {
      for (const stream of open) {
        const { response, form } = stream;
        if (!response.headersSent) continue;
        if (!response.writableNeedDrain) response.write(form.heartbeat);
        else if (stream.late) response.destroy();
        else stream.late = true;
      }
    }, heartbeatSeconds * 1000);

    app.addHook('preClose', async () => {
      closing = true;
      clearInterval(heartbeat);
      const left = [...open];
      for (const { stop } of left) stop.abort();
      const timer = setTimeout(() => {
        for (const { response } of left) if (!response.writableFinished) response.destroy();
      }, graceMs);
      timer.unref();
    });

    app.decorateReply(
      'sendEvents',
      async function (this: FastifyReply, begin: StreamSource, form: StreamForm = serverSentEvents) {
        if (closing) throw new DistilleryError('overloaded', 'the API closes; try again');
        if (open.size >= most) {
          const message = `${most} event streams are open, which is the setting API_STREAMS; try again later`;
          throw new DistilleryError('overloaded', message);
        }
        const stream = { form, response: this.raw, stop: new AbortController(), late: false };
        open.add(stream);
        this.raw.once('close', () => stream.stop.abort());
        try {
          const parts = await begin(stream.stop.signal);
          if (parts === undefined) return await this.code(204).send();
          this.header('content-type', form.type);
          if (this.request.method === 'HEAD') return await this.headers(headers).send();
          this.hijack();
          this.raw.writeHead(200, { ...(this.getHeaders() as OutgoingHttpHeaders), ...headers });
          if (form.opening === '') this.raw.flushHeaders();
          else this.raw.write(form.opening);
          await send(stream, parts).catch((error: unknown) => {
            this.log.warn({ err: error }, 'an event stream ended early; its reader goes on with a new one');
          });
          if (this.raw.writableNeedDrain) this.raw.destroy();
          else this.raw.end();
        } finally {
          open.delete(stream);
        }
        return this;
      },
    );
  },
  { name: 'event-streams', fastify: '5.x', dependencies: ['errors'] },
);

async function send(stream: Stream, parts: AsyncIterable<string>): Promise<void> {
  const { response, stop } = stream;
  let taken = () => {};
  const go = () => {
    stream.late = false;
    taken();
  };
  response.on('drain', go);
  stop.signal.addEventListener('abort', go);
  for await (const part of parts) {
    if (stop.signal.aborted) return;
    if (response.write(part)) continue;
    await new Promise<void>((resolve) => {
      taken = resolve;
    });
  }
}

declare module 'fastify' {
  interface FastifyReply {
    /**
     * Answers with a stream of events, and resolves when it has ended.
     *
     * @throws DistilleryError `overloaded` when too many streams are open, and what `begin` throws
     */
    sendEvents(begin: StreamSource, form?: StreamForm): Promise<FastifyReply>;
  }
}
