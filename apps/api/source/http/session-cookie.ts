import type { FastifyRequest } from 'fastify';

const name = 'distillery_session';

/** The token of the session that a browser sent; undefined without one. */
export function sessionToken({ headers }: Pick<FastifyRequest, 'headers'>): string | undefined {
  for (const pair of (headers.cookie ?? '').split(';')) {
    const [key, value] = pair.split('=').map((part) => part.trim());
    if (key === name && value) return value;
  }
  return undefined;
}

/**
 * The header that gives a browser a session, or takes it away. Scripts cannot read the cookie, and no page of another site
 * sends it.
 *
 * @param token null ends the session
 * @param secure whether the request came over HTTPS: the cookie is then never sent without it
 */
export function sessionCookie(token: string | null, seconds: number, secure: boolean): string {
  const age = token === null ? 0 : seconds;
  return `${name}=${token ?? ''}; Path=/; Max-Age=${age}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`;
}
