import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { AddressRule } from './addresses.ts';
import { allowedAddresses, pinned } from './lookup.ts';

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
  const target = new URL(url);
  const addresses = await Promise.race([allowedAddresses(target.hostname, allows), aborted(signal)]);
  const request = target.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const sent = request(target, {
      method: 'POST',
      agent: false,
      lookup: pinned(addresses),
      signal,
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
    });
    const fail = (error: Error) => reject(signal.aborted ? (signal.reason as Error) : error);
    sent.on('error', fail);
    sent.on('response', (response) => {
      const { statusCode: status = 0, headers: answered } = response;
      const asked = status === 429 || status === 503 ? Number(answered['retry-after']) : 0;
      const posted = { status, retryAfterSeconds: asked > 0 ? asked : 0 };
      let received = 0;
      response.on('data', (part: Buffer) => {
        received += part.length;
        if (received <= mostBytes) return;
        resolve(posted);
        sent.destroy();
      });
      response.on('end', () => resolve(posted));
      response.on('error', fail);
    });
    sent.end(body);
  });
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = () => reject(signal.reason as Error);
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail, { once: true });
  });
}
