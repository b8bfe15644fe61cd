import { createGunzip } from 'node:zlib';
import type { ArchiveFormat } from './format.ts';
import { tarEntries } from './tar.ts';

export const tarGzip: ArchiveFormat = {
  type: 'tar.gz',
  matches: (head) => head.length > 1 && head[0] === 0x1f && head[1] === 0x8b,
  entries: (path, signal) => tarEntries(path, [createGunzip()], signal),
};
