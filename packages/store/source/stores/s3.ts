import type { StoreKind } from '../store-kind.ts';
import { s3Location } from './s3/location.ts';

/** A bucket of Amazon S3, or of another service with its interface, that all processes of the service reach. */
export const s3: StoreKind = {
  scheme: 's3',
  summary: 'A bucket of S3 or of a compatible service: s3://bucket/prefix?region=eu-central-1',
  async open(url, context) {
    const location = s3Location(url);
    // The SDK is large, and most processes that open a store open a folder.
    const { openS3Store } = await import('./s3/s3-store.ts');
    return await openS3Store(location, context);
  },
};
