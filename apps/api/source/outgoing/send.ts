import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { AddressRule } from './addresses.ts';
import { allowedAddresses, pinned } from './lookup.ts';

export interface Outgoing {
  /** An address of the schemes `http` or `https`; a user and a password in it are sent as basic authentication. */
  url: string | URL;
  method: 'GET' | 'POST';
  headers: Record<string, string>;
  body?: string;
  allows: AddressRule;
  /** Aborts the request, and the response while it is read. */
  signal: AbortSignal;
}

/**
 * Sends one request, over a connection of its own to an address that the rule allows, and follows no redirect. Every request to a
 * URL that people give goes through here.
 *
 * @returns the response, whose body must be read or destroyed
 * @throws AddressError; the error of the connection; the reason of the signal
 */
export async function send({
  url,
  method,
  headers,
  body,
  allows,
  signal,
}: Outgoing): Promise<IncomingMessage> {
  const target = new URL(url);
  const addresses = await Promise.race([allowedAddresses(target.hostname, allows), aborted(signal)]);
  const request = target.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const sent = request(target, { method, agent: false, lookup: pinned(addresses), signal, headers });
    sent.on('error', (error) => reject(signal.aborted ? (signal.reason as Error) : error));
    sent.on('response', resolve);
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
