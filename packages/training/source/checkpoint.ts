import { decodeSafetensors, encodeSafetensors } from '@distillery/formats';
import { type Store } from '@distillery/store';
import { asDistilleryError, DistilleryError, type SavedCheckpoint } from '@distillery/spec';
import { z } from 'zod';
import { flatten, type TensorTree, unflatten } from './tensor-tree.ts';

/**
 * Everything that the rest of a run depends on. The tensors of all components are stored as one blob, the rest as a
 * manifest that is committed last. Random streams depend on the step and need no state.
 */
export interface Checkpoint {
  cursor: Cursor;
  /** The state of components beside tensors, as plain JSON, by the joined names of the component's path. */
  facts: Record<string, unknown>;
  tensors: TensorTree;
}

interface Cursor {
  /** Number of completed steps. */
  step: number;
  /** Seconds of training, over all attempts. */
  seconds: number;
}

/** Raise it when the parts of a checkpoint change: checkpoints of other versions are not used. */
export const checkpointFormat = 2;

/** An entry of a stage's log: an attempt begins, or commits a checkpoint. */
const entrySchema = z.object({
  attempt: z.number().int(),
  /** Absent in entries of versions before 2. */
  format: z.number().int().optional(),
  /** The number of threads that the engine computes with, which decides how sums are rounded. */
  threads: z.number().int().optional(),
  cursor: z.object({ step: z.number().int(), seconds: z.number() }).optional(),
  facts: z.record(z.string(), z.unknown()).optional(),
  blob: z.string().optional(),
});
type Entry = z.output<typeof entrySchema>;

interface Numbered extends Entry {
  number: number;
}

export interface CheckpointOptions {
  store: Store;
  /** `jobs/<job>/<stage>` */
  folder: string;
  attempt: number;
  /** The number of threads of this process's engine. */
  threads: number;
  /** The number of latest checkpoints to keep. Each includes the best weights. */
  keep: number;
  /** Called for a checkpoint that cannot be used. */
  warn(message: string): void;
  /** Called with every checkpoint once it is committed. */
  saved?(checkpoint: SavedCheckpoint): void;
}

/**
 * Opens a stage's checkpoints for an attempt; from here on older attempts are refused.
 *
 * Checkpoints are a log of manifests, numbered from 1, each of which is created only once. A writer knows the next number,
 * and an attempt begins by writing an entry under it. The next commit of an older attempt then finds the name taken by a
 * newer attempt. This fence needs only create-only manifests from the store.
 *
 * @returns `resume`, the newest valid checkpoint, and `save`, which also removes old checkpoints
 * @throws DistilleryError `stale_attempt`, here and in `save`, when a newer attempt has begun; nothing is written then
 */
export async function openCheckpoints(options: CheckpointOptions) {
  const { store, folder, attempt, threads, keep, warn } = options;
  const before = await entriesOf(store, folder);
  for (const entry of before) refuseBehind(entry);
  let next = (before.at(-1)?.number ?? 0) + 1;
  while (!(await append({ attempt, threads }))) next++;
  next++;
  const kept = (await entriesOf(store, folder)).filter(({ blob }) => blob !== undefined);
  return { resume: await newest(), save };

  async function newest(): Promise<Checkpoint | undefined> {
    for (const { format: written, cursor, facts = {}, blob = '', number } of kept.toReversed()) {
      if (written !== checkpointFormat) {
        warn(`checkpoint ${number} was written by another version and cannot be used`);
        continue;
      }
      try {
        return { cursor: cursor as Cursor, facts, tensors: decodeState(await store.read(blob)) };
      } catch (error) {
        if (!(error instanceof DistilleryError) || error.retryable) throw error;
        warn(`checkpoint ${number} cannot be used, the one before is taken: ${error.message}`);
      }
    }
    return undefined;
  }

  async function save({ cursor, facts, tensors }: Checkpoint): Promise<void> {
    // The header makes the blobs of two jobs or attempts differ even for equal states, so that removing one keeps the other.
    const metadata = { stage: folder, attempt: String(attempt), step: String(cursor.step) };
    const { digest: blob, size: bytes } = await store.put(encodeState(tensors, metadata));
    const entry = { attempt, threads, format: checkpointFormat, cursor, facts, blob };
    try {
      if (!(await append(entry)))
        throw new Error(`entry ${next} of ${folder} is there, and not by a newer attempt`);
    } catch (error) {
      // After these two errors it is certain that no manifest names the blob.
      const { code } = asDistilleryError(error);
      const unnamed = (code === 'stale_attempt' || code === 'disk_full') && !named(kept, blob);
      if (unnamed) await store.remove(blob).catch(() => undefined);
      throw error;
    }
    options.saved?.({ step: cursor.step, bytes });
    kept.push({ ...entry, number: next++ });
    while (kept.length > keep) {
      const old = kept.shift() as Numbered;
      await remove(store, folder, old, kept);
    }
  }

  /** Commits an entry under the next number; false when the number is taken. */
  async function append(entry: Entry): Promise<boolean> {
    const { created, manifest } = await store.commit<Entry>(nameOf(folder, next), entry, entrySchema);
    refuseBehind(manifest);
    return created;
  }

  function refuseBehind(entry: Entry): void {
    if (entry.attempt <= attempt) return;
    const message = `attempt ${attempt} of ${folder} was overtaken by attempt ${entry.attempt}`;
    throw new DistilleryError('stale_attempt', message);
  }
}

/**
 * Returns the number of threads with which a stage began, so that a later attempt rounds as the first one did; undefined where
 * none has begun.
 */
export async function threadsAtStart(store: Store, folder: string): Promise<number | undefined> {
  return (await entriesOf(store, folder)).find(({ threads }) => threads !== undefined)?.threads;
}

/**
 * Removes the checkpoints of a stage that has a result. After several attempts the small entries that refuse older attempts
 * stay until the job is deleted.
 */
export async function clearCheckpoints(store: Store, folder: string): Promise<void> {
  for (const entry of await entriesOf(store, folder)) {
    if (entry.blob !== undefined || entry.attempt === 1) await remove(store, folder, entry, []);
  }
}

async function entriesOf(store: Store, folder: string): Promise<Numbered[]> {
  const entries: Numbered[] = [];
  for (const name of await store.list(`${folder}/checkpoints`)) {
    const entry = await store.manifest(name, entrySchema);
    if (entry !== undefined) entries.push({ ...entry, number: Number(name.split('/').at(-1)) });
  }
  return entries;
}

/** @param others the entries that stay */
async function remove(store: Store, folder: string, { number, blob }: Numbered, others: readonly Entry[]) {
  await store.removeManifest(nameOf(folder, number));
  if (blob !== undefined && !named(others, blob)) await store.remove(blob);
}

/** Whether an entry names a blob: a checkpoint that is saved twice at one step is one blob. */
function named(entries: readonly Entry[], blob: string): boolean {
  return entries.some((entry) => entry.blob === blob);
}

function nameOf(folder: string, number: number): string {
  return `${folder}/checkpoints/${String(number).padStart(9, '0')}`;
}

/** The tensors of a state as bytes. */
export function encodeState(tree: TensorTree, metadata: Record<string, string>) {
  const tensors = flatten(tree).map(([name, data]) => ({
    name,
    dtype: 'F32' as const,
    shape: [data.length],
    data,
  }));
  return encodeSafetensors(tensors, metadata);
}

/** Reads what `encodeState` has written. */
export function decodeState(bytes: Uint8Array): TensorTree {
  const { tensors } = decodeSafetensors(bytes);
  return unflatten([...tensors].map(([name, { data }]) => [name, data as Float32Array]));
}
