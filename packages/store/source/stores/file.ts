import { fileURLToPath } from 'node:url';
import { DistilleryError } from '@distillery/spec/errors';
import type { StoreKind } from '../store-kind.ts';
import { openFileStore } from './file/file-store.ts';

/** A folder on a file system that all processes of the service reach. */
export const file: StoreKind = {
  scheme: 'file',
  summary: 'A folder of a local or shared file system: file:///var/lib/distillery, or just its path',
  async open(url, context) {
    return await openFileStore(folderOf(url), context);
  },
};

function folderOf(url: URL): string {
  const reason =
    url.search !== '' || url.hash !== '' ? 'a file: URL has neither ? nor #, write %3F and %23' : undefined;
  try {
    if (reason === undefined) return fileURLToPath(url);
  } catch (cause) {
    // A host, or an encoded slash.
    throw unusable(url, (cause as Error).message, cause);
  }
  throw unusable(url, reason);
}

function unusable(url: URL, reason: string, cause?: unknown): DistilleryError {
  return new DistilleryError('malformed_request', `no store can be opened at ${url.href}: ${reason}`, {
    cause,
  });
}
