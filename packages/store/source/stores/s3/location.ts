import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { DistilleryError } from '@distillery/spec/errors';
import { z } from 'zod';
import type { LocalCache } from '../../store-kind.ts';

const gibibyte = 2 ** 30;

/** The options that the query of an `s3:` URL may have. Credentials come from the chain of the AWS SDK alone. */
const options = z.strictObject({
  /** The address of a compatible service; Amazon's when absent. */
  endpoint: z.url({ protocol: /^https?$/ }).optional(),
  region: z.string().min(1).optional(),
  /** Whether the bucket is part of the path or of the host name. */
  addressing: z.enum(['path', 'host']).optional(),
  /** How the service encrypts what it keeps. */
  encryption: z.enum(['AES256', 'aws:kms']).optional(),
  kms_key: z.string().min(1).optional(),
  /** Whether to go on with a service that ignores `If-None-Match`. */
  conditional_writes: z.enum(['required', 'unchecked']).default('required'),
  /** Whether people who download weights are sent to the bucket, or get them through the API. */
  downloads: z.enum(['api', 'bucket']).default('api'),
  /** Seconds without an answer or a byte after which a request is tried again. */
  timeout: z.coerce.number().positive().max(600).default(30),
  /** The folder of local copies. */
  cache: z.string().min(1).optional(),
  cache_bytes: z.coerce.number().int().positive().optional(),
});

/** A bucket, the prefix of all keys in it and how it is used, as an `s3:` URL tells them. */
export interface S3Location extends z.infer<typeof options> {
  bucket: string;
  /** Empty, or ends with a slash. */
  prefix: string;
  /** The URL without the options that only this machine needs. */
  shown: string;
}

/**
 * Reads a URL such as `s3://bucket/prefix?region=eu-central-1`.
 *
 * @throws DistilleryError `malformed_request` that names the option, its value and what it may be
 */
export function s3Location(url: URL): S3Location {
  const shown = `s3://${url.hostname}${url.pathname}`;
  const refuse = (reason: string) => {
    throw new DistilleryError('malformed_request', `no store can be opened at ${shown}: ${reason}`);
  };
  if (url.username !== '' || url.password !== '') {
    refuse(
      'the URL has credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role',
    );
  }
  if (url.hash !== '') refuse('an s3: URL has no #, write %23');
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(url.hostname)) {
    refuse(`${JSON.stringify(url.hostname)} is not the name of a bucket`);
  }
  const prefix = decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, '');
  // A name of 800 characters, its marker and the prefix must fit into a key of 1,024 bytes.
  if (
    !/^[A-Za-z0-9._/-]{0,100}$/.test(prefix) ||
    prefix.split('/').some((part) => /^\.*$/.test(part) && prefix !== '')
  ) {
    refuse(
      `${JSON.stringify(prefix)} is not a prefix: at most 100 of A-Z a-z 0-9 . _ - /, without empty parts`,
    );
  }
  const read = options.safeParse(Object.fromEntries(url.searchParams));
  if (!read.success) {
    const [issue] = read.error.issues;
    const known = Object.keys(options.shape).join(', ');
    const problem =
      issue.code === 'unrecognized_keys' ? `${issue.message}; it may have ${known}` : issue.message;
    return refuse([...issue.path, problem].join(': '));
  }
  if (read.data.kms_key !== undefined && read.data.encryption !== 'aws:kms') {
    refuse('kms_key needs encryption=aws:kms');
  }
  return { ...read.data, bucket: url.hostname, prefix: prefix === '' ? '' : `${prefix}/`, shown };
}

/** The folder and the bound of local copies, for a process that names none. */
export function defaultCache({ bucket }: S3Location): LocalCache {
  return { folder: join(tmpdir(), `distillery-${userInfo().uid}`, bucket), mostBytes: 16 * gibibyte };
}

/** The URL under which another thread or process opens the same store, with the same folder of copies. */
export function s3Url(location: S3Location, cache: LocalCache): string {
  const { bucket, prefix } = location;
  const query = new URLSearchParams();
  for (const name of Object.keys(options.shape) as (keyof z.infer<typeof options>)[]) {
    const value = location[name];
    if (value !== undefined) query.set(name, String(value));
  }
  query.set('cache', cache.folder);
  query.set('cache_bytes', String(cache.mostBytes));
  return `s3://${bucket}/${prefix.slice(0, -1)}?${query}`;
}
