import { AbortMultipartUploadCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import type { Bucket } from './bucket.ts';
import { onBucket, statusOf } from './client.ts';
import { bucketTime } from './removal.ts';

const oneDay = 24 * 60 * 60 * 1000;

/**
 * Removes the parts of uploads that killed processes began more than a day ago, which a bucket keeps and charges for. A service that
 * cannot list uploads, or credentials that must not, leave this to a lifecycle rule of the bucket.
 */
export async function abortAbandoned(bucket: Bucket): Promise<void> {
  const { client } = bucket;
  const { Bucket: name, Key: Prefix } = bucket.at('');
  const uploads = await onBucket('list unfinished uploads', async () => {
    try {
      return (await client.send(new ListMultipartUploadsCommand({ Bucket: name, Prefix }))).Uploads ?? [];
    } catch (error) {
      const status = statusOf(error) ?? 0;
      if ((status >= 400 && status < 500) || status === 501) return [];
      throw error;
    }
  });
  if (uploads.length === 0) return;
  const now = (await bucketTime(bucket)).getTime();
  for (const { Key, UploadId, Initiated } of uploads) {
    if (Initiated === undefined || now - Initiated.getTime() < oneDay) continue;
    const command = new AbortMultipartUploadCommand({ Bucket: name, Key, UploadId });
    await onBucket('remove an unfinished upload', () => client.send(command));
  }
}
