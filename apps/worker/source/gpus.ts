import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** An NVIDIA GPU of this machine. */
export interface Gpu {
  /** Its number, by which people name it. */
  index: string;
  /** Its name that never changes, `GPU-…`. */
  uuid: string;
  memoryBytes: number;
  memoryUsedBytes: number;
}

/**
 * Lists the NVIDIA GPUs of this machine as `nvidia-smi` reports them.
 *
 * @throws Error when the program is missing, fails or hangs
 */
export async function listGpus(): Promise<Gpu[]> {
  const { stdout } = await promisify(execFile)(
    'nvidia-smi',
    ['--query-gpu=index,uuid,memory.total,memory.used', '--format=csv,noheader,nounits'],
    { timeout: 10_000 },
  );
  return stdout
    .split('\n')
    .map((line) => line.split(',').map((part) => part.trim()))
    .filter((parts) => parts.length === 4)
    .map(([index, uuid, total, used]) => ({
      index,
      uuid,
      memoryBytes: Number(total) * 1024 ** 2,
      memoryUsedBytes: Number(used) * 1024 ** 2,
    }));
}

/**
 * The GPU that TensorFlow computes on in this process and its trainers: the first one that is visible. Undefined where that
 * cannot be told.
 */
export async function visibleGpu(visible = process.env.CUDA_VISIBLE_DEVICES): Promise<Gpu | undefined> {
  const gpus = await listGpus().catch(() => []);
  if (visible === undefined) return gpus[0];
  const [first] = visible.split(',').map((part) => part.trim());
  return gpus.find(({ index, uuid }) => first === index || (first !== '' && uuid.startsWith(first)));
}
