import { AbortMultipartUploadCommand, ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import type { Bucket } from './bucket.ts';
import { onBucket, statusOf } from './client.ts';
import { bucketTime, momentary } from './removal.ts';

const oneDay = 24 * 60 * 60 * 1000;

/**
 * Removes what killed processes left more than a day ago: the parts of their uploads, which a bucket keeps and charges for, and small
 * objects that stand for something in work.
 */
export async function removeAbandoned(bucket: Bucket): Promise<void> {
  const found = [...(await unfinishedUploads(bucket)), ...(await momentaryObjects(bucket))];
  if (found.length === 0) return;
  const now = (await bucketTime(bucket)).getTime();
  for (const { begun, remove } of found) if (now - begun.getTime() > oneDay) await remove();
}

interface Abandoned {
  begun: Date;
  remove(): Promise<unknown>;
}

/** A service that cannot list uploads, or credentials that must not, leave them to a lifecycle rule of the bucket. */
async function unfinishedUploads({ client, at }: Bucket): Promise<Abandoned[]> {
  const { Bucket, Key: Prefix } = at('');
  const uploads = await onBucket('list unfinished uploads', async () => {
    try {
      return (await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix }))).Uploads ?? [];
    } catch (error) {
      const status = statusOf(error) ?? 0;
      if ((status >= 400 && status < 500) || status === 501) return [];
      throw error;
    }
  });
  return uploads.map(({ Key, UploadId, Initiated = new Date() }) => {
    const command = new AbortMultipartUploadCommand({ Bucket, Key, UploadId });
    return {
      begun: Initiated,
      remove: () => onBucket('remove an unfinished upload', () => client.send(command)),
    };
  });
}

async function momentaryObjects(bucket: Bucket): Promise<Abandoned[]> {
  const found: Abandoned[] = [];
  for (const folder of momentary) {
    for await (const { key, modified } of bucket.list(folder)) {
      found.push({ begun: modified, remove: () => bucket.remove(key) });
    }
  }
  return found;
}
