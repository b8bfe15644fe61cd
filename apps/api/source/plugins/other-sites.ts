import { DistilleryError } from '@distillery/spec';
import type { FastifyRequest } from 'fastify';
import plugin from 'fastify-plugin';
import type { Access } from '../access.ts';

/**
 * Keeps web pages from using the API through the browser of somebody who can reach it.
 *
 * A page can give a name of its own the address of this service; its requests then carry that name as their Host. A page
 * can also send requests to the service's own name; browsers then name the page's site (Fetch Metadata, and Origin in
 * browsers without it). Programs send neither of these headers.
 */
export const otherSites = plugin(
  async (app, { isOwnHost }: Pick<Access, 'isOwnHost'>) => {
    app.addHook('onRequest', async (request) => {
      const safe = request.method === 'GET' || request.method === 'HEAD';
      if (safe && request.routeOptions.config.scope === 'public') return;
      const name = hostName(request.host);
      if (!isOwnHost(name)) {
        throw new DistilleryError(
          'unknown_host',
          `the request was sent to the host ${JSON.stringify(request.host)}; if this service has the name ` +
            `${JSON.stringify(name)}, add it to the setting ALLOWED_HOSTS`,
        );
      }
      if (safe) return;
      const site = otherSite(request);
      if (site !== undefined) throw new DistilleryError('cross_site', `the request comes from ${site}`);
    });
  },
  { name: 'other-sites', fastify: '5.x', dependencies: ['errors'] },
);

/** Describes the site that a page belongs to; undefined when the request comes from a program, or from this service. */
function otherSite({ headers, host }: FastifyRequest): string | undefined {
  const { origin, 'sec-fetch-site': relation } = headers;
  if (relation !== undefined) {
    const own = relation === 'same-origin' || relation === 'none';
    return own ? undefined : `a page of another site (${origin ?? String(relation)})`;
  }
  if (origin === undefined) return undefined;
  const own = URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
  return own ? undefined : `a page of another site (${origin})`;
}

/** The name in a Host header: in lower case, without the port, the brackets of an IPv6 address and a dot at its end. */
function hostName(host: string): string {
  const [, bracketed, name = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host) ?? [];
  return (bracketed ?? name).toLowerCase().replace(/\.$/, '');
}
