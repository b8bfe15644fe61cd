import { execFile } from 'node:child_process';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** A separate disk that can be filled. */
export interface SmallDisk {
  folder: string;
  /** Uses all the space that is left. */
  fill(): Promise<void>;
  free(): Promise<void>;
  unmount(): Promise<void>;
}

/** Mounts a disk in memory; undefined if the user or the system does not allow it. */
export async function mountSmallDisk(folder: string, megabytes: number): Promise<SmallDisk | undefined> {
  await mkdir(folder, { recursive: true });
  try {
    await execute('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'distillery-chaos', folder]);
  } catch {
    return undefined;
  }
  const ballast = join(folder, 'ballast');
  return {
    folder,
    async fill() {
      const handle = await open(ballast, 'w');
      try {
        for (const size of [1 << 20, 1 << 12]) {
          const bytes = Buffer.alloc(size);
          // A partial write is the last one of its size.
          while ((await handle.write(bytes)).bytesWritten === size);
        }
      } catch (error) {
        if ((error as { code?: string }).code !== 'ENOSPC') throw error;
      } finally {
        await handle.close();
      }
    },
    free: () => rm(ballast, { force: true }),
    async unmount() {
      await execute('umount', [folder]);
    },
  };
}
