import { join } from 'node:path';

/** Where `up` keeps the files of its own Redis. */
export function redisFolder(folder: string): string {
  return join(folder, 'redis');
}
