import { statfs } from 'node:fs/promises';
import { freemem, totalmem } from 'node:os';
import type { WorkerLoad } from '@distillery/queue';
import { memoryOfMachine } from './machine-memory.ts';

/** Measures what this machine, or its container, has in use. */
export async function measureLoad(dataDir: string): Promise<WorkerLoad> {
  const disk = await statfs(dataDir).catch(() => undefined);
  return {
    memoryUsedBytes: memoryUsed(),
    ...(disk && { diskFreeBytes: disk.bavail * disk.bsize, diskBytes: disk.blocks * disk.bsize }),
  };
}

/** In a container with a limit, what is left below it; else what is left of the machine. */
function memoryUsed(): number {
  const whole = memoryOfMachine();
  const free = whole < totalmem() ? process.availableMemory() : freemem();
  return Math.max(0, whole - free);
}
