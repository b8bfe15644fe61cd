import { join } from 'node:path';
import { layout } from '../../layout.ts';

/** Where a file store keeps everything below its folder. */
export function pathsOf(root: string) {
  return {
    blobs: join(root, layout.blobs),
    /** Files that are being written. */
    incoming: join(root, 'incoming'),
    blob: (digest: string) => join(root, layout.blob(digest)),
    manifest: (name: string) => join(root, layout.manifest(name)),
    manifestFolder: (prefix: string) => join(root, layout.manifestFolder(prefix)),
  };
}
