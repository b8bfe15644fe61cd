import { DistilleryError } from '@distillery/spec';
import type { ApiKey, DistilleryQueue } from '@distillery/queue';
import type { FastifyRequest } from 'fastify';
import { sessionToken } from './session-cookie.ts';

/** How a request names its key: not at all, as a Bearer token, or by the session of a browser. */
export interface Credentials {
  by: 'nothing' | 'token' | 'session';
  /** Undefined when the key, or the session, is not valid. */
  key: ApiKey | undefined;
}

/** Reads and verifies the key of a request. A token comes before a session: who sends one means it. */
export async function credentialsOf(queue: DistilleryQueue, request: FastifyRequest): Promise<Credentials> {
  const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token !== undefined) return { by: 'token', key: await queue.apiKeys.verify(token) };
  const session = sessionToken(request);
  if (session === undefined) return { by: 'nothing', key: undefined };
  return { by: 'session', key: await queue.sessions.verify(session) };
}

/**
 * Browsers send a session by themselves, so that a request which changes something must say that a page of this service sent
 * it. Where it says that another one did, `otherSites` refuses it.
 *
 * @throws DistilleryError `cross_site`
 */
export function requireOwnPage({ method, headers }: FastifyRequest): void {
  if (method === 'GET' || method === 'HEAD') return;
  if (headers['sec-fetch-site'] === 'same-origin' || headers.origin !== undefined) return;
  throw new DistilleryError(
    'cross_site',
    'a request with the cookie of a session must have an Origin or Sec-Fetch-Site header, as browsers send them',
  );
}
