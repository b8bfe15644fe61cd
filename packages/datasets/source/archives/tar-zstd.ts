import { Duplex } from 'node:stream';
import type { ArchiveFormat } from './format.ts';
import { tarEntries } from './tar.ts';
import { unzstd } from './unzstd.ts';

export const tarZstd: ArchiveFormat = {
  type: 'tar.zst',
  matches: (head) => head.length > 3 && head.readUInt32LE() === 0xfd2fb528,
  entries: (path, signal) => tarEntries(path, [Duplex.from(unzstd)], signal),
};
