import type { IncomingMessage } from 'node:http';
import { shownUrl } from '@distillery/spec';
import { AddressError } from '../outgoing/lookup.ts';
import { reasonOf } from '../outgoing/reason.ts';
import { send } from '../outgoing/send.ts';
import { Interruption, refusal } from './failure.ts';
import type { FetchRules } from './rules.ts';

const mostRedirects = 5;
const redirects = new Set([301, 302, 303, 307, 308]);

/** The last answer, and the URL that gave it. */
export interface Answer {
  response: IncomingMessage;
  url: URL;
}

/**
 * Sends a GET request and follows at most five redirects. The address of each host is checked, and a user and a password go to the
 * hosts of the URLs that name them alone.
 *
 * @throws Interruption where there is no answer now; DistilleryError `data_error` for addresses that are not public, and for redirects
 *   that lead nowhere
 */
export async function follow(
  first: string,
  headers: Record<string, string>,
  { allows, agent }: Pick<FetchRules, 'allows' | 'agent'>,
  signal: AbortSignal,
): Promise<Answer> {
  let url = new URL(first);
  for (let hops = 0; ; hops++) {
    const sent = { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': agent, ...headers };
    const response = await send({ url, method: 'GET', headers: sent, allows, signal }).catch(
      (error: Error) => {
        if (error instanceof AddressError)
          throw refusal(hops === 0 ? error.message : redirected(error.message));
        throw new Interruption(reasonOf(error));
      },
    );
    const { statusCode = 0, headers: answered } = response;
    if (!redirects.has(statusCode)) return { response, url };
    response.destroy();
    const { location } = answered;
    if (location === undefined || !URL.canParse(location, url.href))
      throw refusal(
        `the host answered ${statusCode} without an address: give the address of the file itself`,
      );
    const next = new URL(location, url);
    if (!/^https?:$/.test(next.protocol))
      throw refusal(redirected(`${next.protocol} is neither https nor http`));
    if (hops === mostRedirects)
      throw refusal(
        `there are more than ${mostRedirects} redirects, the last one to ${shownUrl(next.href)}: give the address of the file itself`,
      );
    url = next;
  }
}

const redirected = (reason: string) => `the host leads on to an address that is refused: ${reason}`;
