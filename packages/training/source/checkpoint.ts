import { decodeSafetensors, encodeSafetensors, type Store } from '@distillery/artifacts';
import type { TermResult } from '@distillery/spec';
import type { Values } from './network.ts';

/**
 * A checkpoint is everything that the rest of a run depends on: weights, auxiliary networks, optimizer slots and the
 * best weights so far as one blob of tensors, the cursor and running sums as a manifest that is committed last.
 * Random streams are functions of the cursor and need no state.
 */
export interface Cursor {
  /** Completed optimizer steps. */
  step: number;
  /** The method's terms as the preflight measured them, with the weights that they are trained with. */
  terms: TermResult[];
  /** Sums of the losses of the running epoch, and over how many samples. */
  sums: number[];
  samples: number;
  /** By member of networks that train side by side; empty without a validation split. */
  best: Record<string, { epoch: number; validationAccuracy: number }>;
  /** Each completed epoch's means, for the result. */
  losses: Record<string, number>;
  /** Seconds of training in earlier attempts. */
  seconds: number;
}

export interface Checkpoint {
  cursor: Cursor;
  /** `weights`, `auxiliary`, `slots`, `best`: values by name. */
  groups: Record<string, Values>;
}

interface Manifest {
  cursor: Cursor;
  blob: string;
}

/** @param folder `jobs/<job>/<stage>` */
export function checkpoints(store: Store, folder: string) {
  const nameOf = (step: number) => `${folder}/checkpoints/${String(step).padStart(9, '0')}`;
  return {
    /** The newest one; older ones of the stage are removed once it stands. */
    async save({ cursor, groups }: Checkpoint): Promise<void> {
      const tensors = Object.entries(groups).flatMap(([group, values]) =>
        Object.entries(values).map(([name, data]) => ({
          name: `${group}:${name}`,
          dtype: 'F32' as const,
          shape: [data.length],
          data,
        })),
      );
      const earlier = await store.list(`${folder}/checkpoints`);
      // The stage's name in the header keeps equal states of two jobs apart: removing one leaves the other.
      const blob = await store.put(encodeSafetensors(tensors, { stage: folder, step: String(cursor.step) }));
      const name = nameOf(cursor.step);
      await store.commit<Manifest>(name, { cursor, blob: blob.digest });
      for (const old of earlier) if (old !== name) await remove(old);
    },

    async newest(): Promise<Checkpoint | undefined> {
      const name = (await store.list(`${folder}/checkpoints`)).at(-1);
      const manifest = name === undefined ? undefined : await store.manifest<Manifest>(name);
      if (manifest === undefined) return undefined;
      const { tensors } = decodeSafetensors(await store.read(manifest.blob));
      const groups: Record<string, Values> = {};
      for (const [name, tensor] of tensors) {
        const colon = name.indexOf(':');
        const group = (groups[name.slice(0, colon)] ??= {});
        group[name.slice(colon + 1)] = tensor.data as Float32Array;
      }
      return { cursor: manifest.cursor, groups };
    },

    /** Once a stage's result stands, nothing resumes it any more. */
    async clear(): Promise<void> {
      for (const name of await store.list(`${folder}/checkpoints`)) await remove(name);
    },
  };

  async function remove(name: string): Promise<void> {
    const manifest = await store.manifest<Manifest>(name);
    await store.removeManifest(name);
    if (manifest !== undefined) await store.remove(manifest.blob);
  }
}
