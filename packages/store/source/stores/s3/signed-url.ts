import { GetObjectCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { Bucket } from './bucket.ts';
import { onBucket } from './client.ts';

/** Long enough to begin a download; one that has begun may go on. */
const seconds = 300;

/** Returns a URL that is signed for the download of one object under a name (AWS Signature Version 4 in the query). */
export async function signedUrl(
  bucket: Bucket,
  key: string,
  { name, mediaType }: { name: string; mediaType: string },
): Promise<string> {
  const command = new GetObjectCommand({
    ...bucket.at(key),
    ResponseContentDisposition: `attachment; filename="${name.replace(/[^\w.-]/g, '_')}"`,
    ResponseContentType: mediaType,
  });
  return await onBucket('sign a download', () =>
    getSignedUrl(bucket.client, command, { expiresIn: seconds }),
  );
}
