import { statfs } from 'node:fs/promises';
import { freemem, totalmem } from 'node:os';
import type { WorkerLoad } from '@distillery/queue';
import { visibleGpu } from './gpus.ts';
import { memoryOfMachine } from './machine-memory.ts';

/** How long a reading of the GPU serves, in ms: nvidia-smi takes up to a second where the driver is not kept loaded. */
const gpuMs = 15_000;

/**
 * Returns a function that measures what this machine, or its container, has in use.
 *
 * @param dataDir a folder on the file system that is measured
 * @param gpu whether to measure the GPU too
 */
export function loadMeter(dataDir: string, gpu: boolean): () => Promise<WorkerLoad> {
  let read = -Infinity;
  let gpuUsed: number | undefined;
  return async () => {
    const disk = await statfs(dataDir).catch(() => undefined);
    if (gpu && performance.now() - read > gpuMs) {
      gpuUsed = (await visibleGpu())?.memoryUsedBytes;
      read = performance.now();
    }
    return {
      memoryUsedBytes: memoryUsed(),
      ...(disk && { diskFreeBytes: disk.bavail * disk.bsize, diskBytes: disk.blocks * disk.bsize }),
      ...(gpuUsed !== undefined && { gpuMemoryUsedBytes: gpuUsed }),
    };
  };
}

/** In a container with a limit, what is not left below it; else what is not left of the machine. */
function memoryUsed(): number {
  const whole = memoryOfMachine();
  const free = whole < totalmem() ? process.availableMemory() : freemem();
  return Math.max(0, whole - free);
}
