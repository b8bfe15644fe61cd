import { DistilleryError } from '@distillery/spec';
import { pagePaths } from '@distillery/web/paths';
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { weighted } from '../http/accept.ts';
import { noneMatch } from '../http/entity-tag.ts';
import type { PageFile, PageFiles } from '../page/files.ts';

/** Scripts, styles and requests of this service alone; nothing inline, so that injected markup runs nothing. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const public_ = { config: { scope: 'public' }, schema: { hide: true } } as const;

/**
 * Serves the dashboard: its page at `/` and at the paths of `@distillery/web/paths`, which the router of the page reads, and
 * the files that it consists of. Everything else stays an error of the API.
 */
export const page: FastifyPluginAsync<{ files: PageFiles | undefined }> = async (app, { files }) => {
  const index = files?.get('index.html');
  for (const path of ['/', ...Object.values(pagePaths)]) {
    app.get(path, public_, async (request, reply) => {
      if (index === undefined) {
        throw new DistilleryError(
          'not_found',
          'the dashboard is not built here; "node scripts/setup.mjs" builds it',
        );
      }
      return send(request, reply.header('content-security-policy', policy), index, 'no-cache');
    });
  }
  for (const [path, file] of files ?? []) {
    if (path === 'index.html') continue;
    // The names of built files hold a digest of their content.
    const lasting = path.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';
    app.get(`/${path}`, public_, async (request, reply) => send(request, reply, file, lasting));
  }
};

function send(
  request: FastifyRequest,
  reply: FastifyReply,
  file: PageFile,
  cacheControl: string,
): FastifyReply {
  const tag = `W/"${file.digest}"`;
  reply.header('cache-control', cacheControl).header('etag', tag).header('vary', 'accept-encoding');
  if (!noneMatch(request.headers['if-none-match'], tag)) return reply.code(304).send();
  reply.type(file.mediaType);
  const accepted = weighted(String(request.headers['accept-encoding'] ?? ''));
  for (const coding of ['br', 'gzip'] as const) {
    const body = file[coding];
    if (body === undefined || !accepted.some(({ value, quality }) => value === coding && quality > 0))
      continue;
    return reply.header('content-encoding', coding).send(body);
  }
  return reply.send(file.identity);
}
