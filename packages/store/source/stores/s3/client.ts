import { S3Client } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { DistilleryError } from '@distillery/spec/errors';
import type { S3Location } from './location.ts';

/** Tries of a request, with growing pauses between them, before the store counts as unavailable. */
const tries = 6;
const connectMs = 5000;

/** Makes the client of a bucket's service. */
export function s3Client({ endpoint, region, addressing, timeout }: S3Location): S3Client {
  const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_REGION, AWS_DEFAULT_REGION } = process.env;
  // Compose files pass variables that are not set as empty ones.
  const elsewhere = endpoint || AWS_ENDPOINT_URL_S3 || AWS_ENDPOINT_URL || undefined;
  // Compatible services mostly ignore the region, but a signature has one.
  const place =
    region || AWS_REGION || AWS_DEFAULT_REGION || (elsewhere === undefined ? undefined : 'us-east-1');
  const idleMs = timeout * 1000;
  // Which versions of Node this service runs on is for its own package to say, not for the log of every process.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  return new S3Client({
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(place === undefined ? {} : { region: place }),
    // Few services beside Amazon's give every bucket a host name.
    forcePathStyle: addressing === undefined ? elsewhere !== undefined : addressing === 'path',
    maxAttempts: tries,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: Math.min(connectMs, idleMs),
      socketTimeout: idleMs,
      // A part of 8 MiB may take long on a slow line; without a byte, the socket's limit ends it.
      requestTimeout: 10 * idleMs,
      throwOnRequestTimeout: true,
    }),
    // Every content is checked against its own SHA-256, and compatible services refuse the newer checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
}

/** The HTTP status of an answer that was an error, or undefined for an error of another kind. */
export function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}

/**
 * Runs requests; their errors become `store_unavailable`, which names the answer and, where a setting is wrong, the remedy.
 *
 * @param what completes "the store cannot …"
 */
export async function onBucket<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw bucketError(what, error);
  }
}

/** Turns an error of a request into `store_unavailable`; a fault of the program is returned as it is. */
export function bucketError(what: string, error: unknown): unknown {
  if (error instanceof DistilleryError || error instanceof TypeError || error instanceof RangeError)
    return error;
  const name = error instanceof Error ? error.name : '';
  const status = statusOf(error);
  // The SDK calls a lost connection a time-out, too; the system's own word for it tells more.
  const { code = name } = error as { code?: string };
  const answer = status === undefined ? code : `${name}, status ${status}`;
  const remedy = remedies[name];
  const message = `the store cannot ${what}: ${answer}${remedy === undefined ? '' : `; ${remedy}`}`;
  return new DistilleryError('store_unavailable', message, { cause: error });
}

const remedies: Record<string, string | undefined> = {
  NoSuchBucket: 'create the bucket first',
  AccessDenied:
    'the credentials need s3:ListBucket on the bucket and s3:GetObject, s3:PutObject and s3:DeleteObject in it',
  InvalidAccessKeyId: 'check AWS_ACCESS_KEY_ID',
  SignatureDoesNotMatch: 'check AWS_SECRET_ACCESS_KEY and the clock of this machine',
  CredentialsProviderError: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role',
  RequestTimeTooSkewed: 'set the clock of this machine',
  PermanentRedirect: 'the bucket is in another region: set region= in the URL',
};
