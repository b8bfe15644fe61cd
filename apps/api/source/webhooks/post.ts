import type { AddressRule } from '../outgoing/addresses.ts';
import { send } from '../outgoing/send.ts';

interface Posted {
  status: number;
  retryAfterSeconds: number;
}

/** The most bytes of a response that are read; the connection of a longer one is cut. */
const mostBytes = 65_536;

interface Post {
  url: string;
  headers: Record<string, string>;
  body: string;
  allows: AddressRule;
  /** Aborts it: after its time, or when the API closes. */
  signal: AbortSignal;
}

/**
 * Sends one request, over a connection of its own to an address that the rule allows, and follows no redirect.
 *
 * @returns the status of the response, and the seconds that a busy receiver asks to be left alone
 * @throws AddressError; the error of the connection; the reason of the signal
 */
export async function post({ url, headers, body, allows, signal }: Post): Promise<Posted> {
  const length = String(Buffer.byteLength(body));
  const sent = { ...headers, 'content-length': length };
  const response = await send({ url, method: 'POST', headers: sent, body, allows, signal });
  const { statusCode: status = 0, headers: answered } = response;
  const asked = status === 429 || status === 503 ? Number(answered['retry-after']) : 0;
  let received = 0;
  try {
    for await (const part of response as AsyncIterable<Buffer>) {
      received += part.length;
      // Leaving the loop cuts the connection.
      if (received > mostBytes) break;
    }
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
  return { status, retryAfterSeconds: asked > 0 ? asked : 0 };
}
