import { DistilleryError, type Upload, uploadSchema } from '@distillery/spec';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { openToProjects } from '../../http/open-to-projects.ts';
import type { FastifyPluginAsyncZod } from 'fastify-type-provider-zod';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { problems } from '../../http/responses.ts';
import type { Services } from '../../services.ts';
import { removeUpload } from '../../uploads/expire.ts';
import { finish } from '../../uploads/finish.ts';
import { receive } from '../../uploads/receive.ts';
import { type About, create, find, list } from '../../uploads/record.ts';
import type { UploadRules } from '../../uploads/rules.ts';
import { ownerSeenBy } from '../../caller.ts';
import { checkProjectSpace } from '../../projects/quotas.ts';
import { checkSize, checkSpace } from '../../uploads/space.ts';
import {
  algorithms,
  checksumOf,
  checkVersion,
  contentType,
  createHeaders,
  extensions,
  fileName,
  metadataOf,
  offsetHeaders,
  onlyResumable,
  plainName,
  version,
} from '../../uploads/tus.ts';
import { viewOf } from '../../uploads/view.ts';

const tags = ['uploads'];
const config = { scope: 'submit', upload: true } as const;
const params = z.object({ upload: z.string().max(200).describe('The id of the upload.') });
const noContent = (text: string) => z.undefined().describe(text);

/**
 * `/v1/uploads`: files that are sent in pieces by tus 1.0, or in one request. The protocol is small, and its server of record keeps
 * uploads in a folder of one process; this one keeps them in the artifact store, which every API process shares.
 */
export const uploads: FastifyPluginAsyncZod<Services & { rules: UploadRules }> = async (
  app,
  { queue, store, rules },
) => {
  openToProjects(app);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  app.addHook('onRequest', async ({ headers }) => {
    const coding = headers['content-encoding']?.toLowerCase() ?? 'identity';
    if (coding === 'identity') return;
    throw new DistilleryError(
      'unsupported_media_type',
      `the Content-Encoding ${coding} is not supported for uploads: send the bytes of the file as they are`,
    );
  });
  app.addHook('onSend', async (request, reply) => {
    // The rest of a body that nobody reads is not waited for.
    if (reply.statusCode >= 400 && !request.raw.complete) reply.header('connection', 'close');
  });

  const see = async (about: About, reply: FastifyReply): Promise<Upload> => {
    const view = await viewOf(store, about, rules);
    reply
      .header('upload-offset', view.offset)
      .header('upload-expires', new Date(view.expiresAt).toUTCString())
      .header('cache-control', 'no-store');
    return view;
  };
  const bytesOf = ({ body }: FastifyRequest): Readable =>
    body instanceof Readable ? body : Readable.from([]);

  app.options(
    '/uploads',
    {
      config: { scope: 'read', changes: false },
      schema: {
        operationId: 'describeUploads',
        tags,
        summary: 'What uploads by tus 1.0 may do here',
        response: { 204: noContent('The headers tell it.'), ...problems },
        'x-response-headers': {
          204: ['Tus-Resumable', 'Tus-Version', 'Tus-Extension', 'Tus-Max-Size', 'Tus-Checksum-Algorithm'],
        },
      },
    },
    async (_request, reply) =>
      reply
        .code(204)
        .header('tus-resumable', version)
        .header('tus-version', version)
        .header('tus-extension', extensions)
        .header('tus-max-size', rules.mostBytes)
        .header('tus-checksum-algorithm', algorithms.join(','))
        .send(undefined),
  );

  app.post(
    '/uploads',
    {
      config,
      schema: {
        operationId: 'createUpload',
        tags,
        summary: 'Begin to upload a file in pieces',
        description: `Begins an upload by [tus 1.0](https://tus.io/protocols/resumable-upload), which survives interruptions. \`PATCH\` sends its bytes; a body of the type \`${contentType}\` holds the first of them. An upload to which no byte is added for \`UPLOAD_HOURS\` is removed.`,
        headers: createHeaders,
        response: { 201: noContent('The upload has begun; `Location` is its path.'), ...problems },
        'x-response-headers': { 201: ['Location', 'Tus-Resumable', 'Upload-Offset', 'Upload-Expires'] },
      },
    },
    async (request, reply) => {
      const { headers, caller } = request;
      checkVersion(headers['tus-resumable'], reply);
      const size = headers['upload-length'];
      checkSize(size, rules);
      const name = fileName(headers['upload-metadata']);
      const about = await create(store, { name, owner: caller?.name ?? null, size });
      await keepWithinSpace(about, request);
      reply.code(201).header('location', `/v1/uploads/${about.id}`);
      if (request.body instanceof Readable && isOffsetStream(request)) {
        await receive(store, about, 0, request.body);
      }
      await finish(queue, store, about);
      await see(about, reply);
      return reply.send(undefined);
    },
  );

  app.get(
    '/uploads',
    {
      exposeHeadRoute: false,
      schema: {
        operationId: 'listUploads',
        tags,
        summary: 'The uploads of the owner, the newest first; a key of scope `admin` gets all',
        response: { 200: z.object({ uploads: z.array(uploadSchema) }), ...problems },
      },
    },
    async ({ caller }) => {
      const found = await list(store, ownerSeenBy(caller));
      return { uploads: await Promise.all(found.map((about) => viewOf(store, about, rules))) };
    },
  );

  app.route({
    // The OpenAPI page leaves out a HEAD that is not in a list.
    method: ['HEAD'],
    url: '/uploads/:upload',
    schema: {
      operationId: 'measureUpload',
      tags,
      summary: 'How much of a file is stored',
      params,
      headers: onlyResumable,
      response: { 200: noContent('`Upload-Offset` is where the next bytes begin.'), ...problems },
      'x-response-headers': {
        200: ['Tus-Resumable', 'Upload-Offset', 'Upload-Length', 'Upload-Metadata', 'Upload-Expires'],
      },
    },
    handler: async ({ params: { upload }, headers, caller }, reply) => {
      checkVersion(headers['tus-resumable'], reply);
      const about = await find(store, upload, ownerSeenBy(caller));
      // The process that received the last byte may have ended before it was done.
      await finish(queue, store, about);
      await see(about, reply);
      return reply
        .header('upload-length', about.size)
        .header('upload-metadata', metadataOf(about.name))
        .send(undefined);
    },
  });

  app.get(
    '/uploads/:upload',
    {
      exposeHeadRoute: false,
      schema: {
        operationId: 'getUpload',
        tags,
        summary: 'An upload, with the digest of the file when it is complete',
        params,
        response: { 200: uploadSchema, ...problems },
      },
    },
    async ({ params: { upload }, caller }) => {
      const about = await find(store, upload, ownerSeenBy(caller));
      await finish(queue, store, about);
      return viewOf(store, about, rules);
    },
  );

  app.patch(
    '/uploads/:upload',
    {
      config: { ...config, changes: false },
      schema: {
        operationId: 'continueUpload',
        tags,
        summary: 'Send bytes of a file',
        description: `Appends the body, of the type \`${contentType}\`, at \`Upload-Offset\`. What has arrived when a request is cut off is kept: \`HEAD\` tells where to go on.`,
        params,
        headers: offsetHeaders,
        response: { 204: noContent('The bytes are stored.'), ...problems },
        'x-response-headers': { 204: ['Tus-Resumable', 'Upload-Offset', 'Upload-Expires'] },
      },
    },
    async (request, reply) => {
      const { headers, caller, params: given } = request;
      checkVersion(headers['tus-resumable'], reply);
      if (!isOffsetStream(request)) {
        throw new DistilleryError(
          'unsupported_media_type',
          `the body of a PATCH has the type ${contentType}, not ${headers['content-type'] ?? 'none'}`,
        );
      }
      const about = await find(store, given.upload, ownerSeenBy(caller));
      const checksum = checksumOf(headers['upload-checksum']);
      await receive(store, about, headers['upload-offset'], bytesOf(request), checksum);
      await finish(queue, store, about);
      await see(about, reply);
      return reply.code(204).send(undefined);
    },
  );

  app.put(
    '/uploads/:upload',
    {
      config,
      schema: {
        operationId: 'putUpload',
        tags,
        summary: 'Upload a small file in one request',
        description:
          'Stores the body, whose `Content-Length` must be given, as a file of the name in the path; a request that is cut off leaves nothing. `curl -T pets.zip …/v1/uploads/` sends one.',
        params: z.object({ upload: z.string().min(1).max(200).describe('The name of the file.') }),
        response: { 201: uploadSchema.describe('The upload, which is complete.'), ...problems },
        'x-response-headers': { 201: ['Location', 'Upload-Expires'] },
      },
    },
    async (request, reply) => {
      const { caller } = request;
      const length = request.raw.headers['content-length'];
      if (length === undefined && request.body instanceof Readable) {
        throw new DistilleryError(
          'length_required',
          'the request has no Content-Length: send the size of the file, or begin an upload by POST /v1/uploads',
        );
      }
      const size = Number(length ?? 0);
      checkSize(size, rules);
      const name = plainName(request.params.upload);
      const about = await create(store, { name, owner: caller?.name ?? null, size });
      await keepWithinSpace(about, request);
      try {
        await receive(store, about, 0, bytesOf(request));
        if ((await finish(queue, store, about)) === undefined) {
          throw new DistilleryError(
            'malformed_request',
            `the body ended before its ${size} bytes: send it again`,
          );
        }
      } catch (error) {
        await removeUpload(queue, store, about);
        throw error;
      }
      reply.code(201).header('location', `/v1/uploads/${about.id}`);
      return see(about, reply);
    },
  );

  app.delete(
    '/uploads/:upload',
    {
      config: { scope: 'submit' },
      schema: {
        operationId: 'removeUpload',
        tags,
        summary: 'Remove an upload, finished or not. What was made from it stays',
        params,
        headers: onlyResumable,
        response: { 204: noContent('The upload is removed.'), ...problems },
        'x-response-headers': { 204: ['Tus-Resumable'] },
      },
    },
    async ({ params: { upload }, headers, caller }, reply) => {
      checkVersion(headers['tus-resumable'], reply);
      await removeUpload(queue, store, await find(store, upload, ownerSeenBy(caller)));
      return reply.code(204).send(undefined);
    },
  );

  async function keepWithinSpace(about: About, { caller }: FastifyRequest): Promise<void> {
    try {
      await checkSpace(store, caller, rules);
      await checkProjectSpace(queue, store, caller?.project ?? null);
    } catch (error) {
      await removeUpload(queue, store, about);
      throw error;
    }
  }
};

const isOffsetStream = ({ headers }: FastifyRequest) =>
  headers['content-type']?.split(';')[0].trim().toLowerCase() === contentType;
