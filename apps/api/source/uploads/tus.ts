import { DistilleryError } from '@distillery/spec';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import type { Checksum } from './receive.ts';

/** The words of tus 1.0 (https://tus.io/protocols/resumable-upload): headers of requests and responses. */

export const version = '1.0.0';
export const extensions = 'creation,creation-with-upload,expiration,checksum,termination';
export const algorithms = ['sha1', 'sha256', 'md5'] as const;
export const contentType = 'application/offset+octet-stream';

const count = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a whole number of bytes')
  .transform(Number);

const resumable = z
  .string()
  .max(20)
  .optional()
  .describe('The version of the protocol, `1.0.0`, which is also the default.');

export const createHeaders = z.object({
  'tus-resumable': resumable,
  'upload-length': count.describe('The bytes of the whole file.'),
  'upload-metadata': z
    .string()
    .max(4096)
    .optional()
    .describe('`filename` and the name of the file in Base64, as in `filename cGV0cy56aXA=`.'),
});

export const offsetHeaders = z.object({
  'tus-resumable': resumable,
  'upload-offset': count.describe(
    'Where the bytes of the body begin: the `Upload-Offset` of the last response.',
  ),
  'upload-checksum': z
    .string()
    .max(200)
    .optional()
    .describe('An algorithm (`sha1`, `sha256`, `md5`) and the checksum of the body in Base64.'),
});

export const onlyResumable = z.object({ 'tus-resumable': resumable });

/** @throws DistilleryError `precondition_failed` for another version of the protocol */
export function checkVersion(given: string | undefined, reply: FastifyReply): void {
  reply.header('tus-resumable', version);
  if (given === undefined || given === version) return;
  reply.header('tus-version', version);
  throw new DistilleryError(
    'precondition_failed',
    `Tus-Resumable is ${JSON.stringify(given)}, but this service supports ${version}`,
  );
}

/** The name of a file among the metadata: without folders and control characters; "file" where there is none. */
export function fileName(metadata: string | undefined): string {
  const pairs = (metadata ?? '').split(',').map((pair) => pair.trim().split(' '));
  const [, value = ''] =
    pairs.find(([key]) => key === 'filename') ?? pairs.find(([key]) => key === 'name') ?? [];
  return plainName(Buffer.from(value, 'base64').toString());
}

/** A name without folders, control characters and an end beyond 200 bytes. */
export function plainName(given: string): string {
  const last = given.split(/[/\\]/).at(-1) ?? '';
  // oxlint-disable-next-line no-control-regex
  let name = last.replaceAll(/[\u0000-\u001f\u007f\ufffd]/g, '').trim();
  while (Buffer.byteLength(name) > 200) name = name.slice(1);
  return name === '' || name === '.' || name === '..' ? 'file' : name;
}

/** @throws DistilleryError `malformed_request` for what is no checksum */
export function checksumOf(header: string | undefined): Checksum | undefined {
  if (header === undefined) return undefined;
  const [name = '', text = ''] = header.split(' ');
  const algorithm = algorithms.find((one) => one === name);
  const value = Buffer.from(text, 'base64');
  const bytes = { sha1: 20, sha256: 32, md5: 16 };
  if (algorithm !== undefined && value.length === bytes[algorithm]) return { algorithm, value };
  const message = `is no checksum: expected one of ${algorithms.join(', ')}, a space and Base64`;
  throw new DistilleryError('malformed_request', `Upload-Checksum ${message}`, {
    fields: [{ path: '#/headers/upload-checksum', message, value: header }],
  });
}

/** The name as `Upload-Metadata` has it. */
export function metadataOf(name: string): string {
  return `filename ${Buffer.from(name).toString('base64')}`;
}
