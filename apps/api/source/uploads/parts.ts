import { DistilleryError } from '@distillery/spec';
import type { BlobInfo, Store } from '@distillery/store';
import { z } from 'zod';

/** Parts of a file that have arrived: create-only manifests, each of which names a blob, under the offset of its first byte. */
export interface PartsLog {
  /** The folder of the store that has them. */
  folder: string;
  /** What their names begin with; the offset follows, in 16 digits. */
  beginning: string;
}

const partSchema = z.object({
  offset: z.int().min(0),
  size: z.int().min(1),
  digest: z.string(),
  at: z.iso.datetime(),
});
export type Part = z.output<typeof partSchema>;

const partName = ({ beginning }: PartsLog, offset: number) =>
  `${beginning}${String(offset).padStart(16, '0')}`;

/** The names of the parts in the order of their offsets. */
async function partNames(store: Store, { folder, beginning }: PartsLog): Promise<string[]> {
  const names = await store.list(folder);
  return names.filter((name) => name.startsWith(beginning) && /\.\d{16}$/.test(name));
}

/** The last part, without reading those before it: a large file has thousands. */
export async function lastPart(store: Store, log: PartsLog): Promise<Part | undefined> {
  const last = (await partNames(store, log)).at(-1);
  if (last === undefined) return undefined;
  return (await store.manifest(last, partSchema)) ?? (await parts(store, log)).at(-1);
}

/** The parts of a file in the order of their offsets. */
export async function parts(store: Store, log: PartsLog): Promise<Part[]> {
  const found: Part[] = [];
  for (const name of await partNames(store, log)) {
    const part = await store.manifest(name, partSchema);
    // What follows a damaged entry counts as not received.
    if (part === undefined || part.offset !== endOf(found.at(-1))) break;
    found.push(part);
  }
  return found;
}

/** The offset behind the last part. */
export const endOf = (last: Part | undefined): number => (last === undefined ? 0 : last.offset + last.size);

/**
 * Notes bytes that were stored as a blob.
 *
 * @throws DistilleryError `upload_conflict` where another request has sent the bytes of this offset
 */
export async function addPart(store: Store, log: PartsLog, part: Omit<Part, 'at'>): Promise<Part> {
  const noted = { ...part, at: new Date().toISOString() };
  const { created } = await store.commit(partName(log, part.offset), noted, partSchema);
  if (created) return noted;
  throw new DistilleryError(
    'upload_conflict',
    `another request has sent the bytes from ${part.offset} on: ask for the offset by HEAD, and go on there`,
  );
}

export async function removeParts(store: Store, log: PartsLog, all: readonly Part[]): Promise<void> {
  for (const { offset } of all) await store.removeManifest(partName(log, offset));
}

/** Stores the bytes of all parts as one blob. */
export async function joinParts(store: Store, all: readonly Part[]): Promise<BlobInfo> {
  const [first] = all;
  return all.length === 1 ? { digest: first.digest, size: first.size } : await store.put(joined(store, all));
}

async function* joined(store: Store, all: readonly Part[]): AsyncGenerator<Uint8Array> {
  for (const { digest } of all) yield* (await store.stream(digest)) as AsyncIterable<Uint8Array>;
}
