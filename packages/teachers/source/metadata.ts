import { DistilleryError } from '@distillery/spec';
import type { Store } from '@distillery/store';
import { z } from 'zod';

/** The longest header in bytes that is read. A real one has about 100 bytes for each parameter tensor. */
const longestHeader = 16 * 2 ** 20;

const headerSchema = z
  .object({ __metadata__: z.record(z.string(), z.string()).default({}) })
  .catchall(z.looseObject({ shape: z.array(z.int().min(0)).default([]) }));

/** What the header of a safetensors file says of its tensors. */
export interface WeightsHeader {
  metadata: Record<string, string>;
  /** The shape of each tensor by name, in PyTorch's layout. */
  shapes: ReadonlyMap<string, readonly number[]>;
}

/**
 * Reads the header of stored weights that a spec names.
 *
 * @param refuse makes the error that names the field, of the reason why the weights cannot be used
 * @throws what `refuse` returns where they are absent or damaged, or there is no store; other errors of the store
 */
export async function headerOfNamed(
  store: Store | undefined,
  digest: string,
  refuse: (message: string) => DistilleryError,
): Promise<WeightsHeader> {
  if (store === undefined) throw refuse('cannot be looked up without a store');
  try {
    // A collection of unused artifacts leaves them until the job that names them exists.
    await store.renew(digest);
    return await readHeader(store, digest);
  } catch (error) {
    if (!(error instanceof DistilleryError)) throw error;
    if (error.code === 'checkpoint_not_found') {
      throw refuse('is not in the store, expected the digest of a stored weights file');
    }
    if (error.code === 'artifact_corrupt') throw refuse(`cannot be read: ${error.message}`);
    throw error;
  }
}

/**
 * Reads the metadata and the shapes of a safetensors file without reading its tensors. The bytes are not verified; loading
 * the weights does that.
 *
 * @param digest of the file in the store
 * @throws DistilleryError `checkpoint_not_found` when the store has no such file; `artifact_corrupt` when it is not a
 *   safetensors file
 */
export async function readHeader(store: Store, digest: string): Promise<WeightsHeader> {
  const blob = await store.stat(digest);
  if (blob === undefined)
    throw new DistilleryError('checkpoint_not_found', `the store has no blob ${digest}`);
  const { size } = blob;
  if (size < 8) throw notSafetensors(digest);
  const length = Number((await bytesOf(store, digest, 0, 7)).readBigUInt64LE());
  if (length > Math.min(longestHeader, size - 8)) throw notSafetensors(digest);
  const header = await bytesOf(store, digest, 8, 7 + length);
  try {
    const { __metadata__: metadata, ...tensors } = headerSchema.parse(JSON.parse(header.toString('utf8')));
    const shapes = new Map(Object.entries(tensors).map(([name, { shape }]) => [name, shape] as const));
    return { metadata, shapes };
  } catch (cause) {
    throw notSafetensors(digest, cause);
  }
}

async function bytesOf(store: Store, digest: string, start: number, end: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of await store.stream(digest, { start, end })) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks);
}

function notSafetensors(digest: string, cause?: unknown): DistilleryError {
  return new DistilleryError('artifact_corrupt', `${digest} is not a safetensors file`, { cause });
}
