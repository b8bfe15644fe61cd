import { setTimeout as delay } from 'node:timers/promises';
import { DistilleryError } from '@distillery/spec';
import type { AddressRule } from './addresses.ts';
import { AddressError, allowedAddresses } from './lookup.ts';

/** For how long a request waits for the name of a host to be looked up. */
const lookupMs = 2000;

/**
 * Refuses a URL whose host has no address that requests may be sent to. A name that cannot be looked up now may have one
 * later; each attempt checks it again.
 *
 * @param shown the URL as messages may have it
 * @throws DistilleryError `invalid_body`
 */
export async function checkHost(url: string, allows: AddressRule, shown = url): Promise<void> {
  try {
    const stop = new AbortController();
    const looked = allowedAddresses(new URL(url).hostname, allows).finally(() => stop.abort());
    await Promise.race([looked, delay(lookupMs, undefined, { signal: stop.signal }).catch(() => looked)]);
  } catch (error) {
    if (!(error instanceof AddressError)) return;
    const { message } = error;
    throw new DistilleryError('invalid_body', `/url: ${message}`, {
      fields: [{ path: '/url', message, value: shown }],
      cause: error,
    });
  }
}
