import type { IncomingMessage } from 'node:http';

/** Bytes that wait to be stored; more are not read from the connection. */
const mostWaiting = 2 ** 20;

/**
 * Reads the body of a response from now on, so that nothing that has arrived is lost when the connection is cut: the iterator of a
 * stream forgets what it has buffered.
 */
export function arriving(response: IncomingMessage) {
  const waiting: Buffer[] = [];
  let [bytes, total] = [0, 0];
  let end: Error | 'whole' | undefined;
  let wake = () => {};
  const ended = (how: Error | 'whole') => {
    end ??= how;
    wake();
  };
  response
    .on('data', (chunk: Buffer) => {
      waiting.push(chunk);
      bytes += chunk.length;
      total += chunk.length;
      if (bytes > mostWaiting) response.pause();
      wake();
    })
    .on('end', () => ended('whole'))
    .on('error', ended)
    .on('close', () => ended(new Error('the connection was closed')));

  async function* read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = waiting.shift();
      if (chunk !== undefined) {
        bytes -= chunk.length;
        if (response.isPaused() && bytes <= mostWaiting) response.resume();
        yield chunk;
      } else if (end === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      } else if (end === 'whole') return;
      else throw end;
    }
  }
  return {
    /** The bytes in their order; throws when the connection was cut, behind all that came. */
    bytes: read(),
    /** The bytes that have arrived. */
    total: () => total,
    /** Whether bytes wait, so that the host need send no more. */
    isFull: () => response.isPaused(),
  };
}
