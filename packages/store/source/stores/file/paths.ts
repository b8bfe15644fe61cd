import { join } from 'node:path';
import { checkDigest, checkName, checkPrefix } from '../../names.ts';

// A plus sign cannot be part of a name, so the file of `a` never meets the folder of `a/b`, nor that of `a.json/b`.
export const manifestSuffix = '+manifest.json';

/** Where a file store keeps everything below its folder. */
export function pathsOf(root: string) {
  const manifests = join(root, 'manifests');
  const blobs = join(root, 'blobs');
  return {
    blobs,
    /** Files that are being written. */
    incoming: join(root, 'incoming'),
    blob: (digest: string) => join(blobs, checkDigest(digest).slice(0, 2), digest),
    manifest: (name: string) => join(manifests, checkName(name)) + manifestSuffix,
    manifestFolder: (prefix: string) => join(manifests, checkPrefix(prefix)),
  };
}
