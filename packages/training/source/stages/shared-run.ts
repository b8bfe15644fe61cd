import type { JobSpec, Training } from '@distillery/spec';
import { claim, type Store } from '@distillery/store';
import { z } from 'zod';
import { type Checkpoint, checkpointFormat, decodeState, encodeState } from '../checkpoint.ts';
import { networkOf, type PlannedStudent } from '../planning/layout.ts';
import { type Materials, trainingKey } from './materials.ts';
import type { StageContext } from './stage.ts';
import { digestOfTeacher, type taughtBySchema } from './teacher-taps.ts';
import { blobsOf, type TrainedNetwork, trainedNetworkSchema } from './trained-network.ts';

/**
 * What jobs share of the runs of students: the result of a control, and the state in which a run has stopped before its last epoch.
 * Both are below one address, the digest of all that determines the run whatever its `until`:
 * `students/<digest>/result/<epoch>` and `students/<digest>/state/<epoch>`.
 */
export const sharedRunsFolder = 'students';

const stateSchema = z.object({
  format: z.literal(checkpointFormat),
  cursor: z.object({ step: z.number().int(), seconds: z.number() }),
  facts: z.record(z.string(), z.unknown()),
  blob: z.string(),
});

/** The digests of the blobs that one manifest names. @throws z.ZodError for a manifest of another form */
export function sharedRunBlobs(manifest: unknown): string[] {
  const state = stateSchema.safeParse(manifest);
  return state.success ? [state.data.blob] : blobsOf(trainedNetworkSchema.parse(manifest));
}

/** The epoch after which a run ends: its last one, unless the job stops before. */
export function lastEpochOf({ until = Infinity }: JobSpec, { epochs }: Training): number {
  return Math.min(until, epochs);
}

/** Returns the address of a run. */
export function sharedRunAddress(
  context: StageContext<{ seed: number; teachers: z.output<typeof taughtBySchema>[] }>,
  materials: Materials,
  { student, initial }: PlannedStudent,
  initialWeights: string | undefined,
): string {
  const { input, job } = context;
  // The seed of `training` is that of teachers.
  const { seed: _, ...training } = student.training;
  const teachers = input.teachers.map((teacher) => {
    const { classMap = null } = networkOf(materials.layout, teacher.network);
    const weight = materials.layout.teachers.find((one) => one.teacher.name === teacher.network)?.teacher
      .weight;
    return { digest: digestOfTeacher(context, teacher), classMap, weight: weight ?? 1 };
  });
  const description = {
    architecture: student.architecture,
    method: student.method,
    training,
    initial: initial && { ...initial, source: initialWeights },
    seed: input.seed,
    teachers,
    combine: student.combine,
  };
  return `${sharedRunsFolder}/${trainingKey(description, materials, job.spec)}`;
}

/** Whether a job shares the runs of its controls, or goes on from the runs of others. */
export function sharesRuns({ baseline, until }: JobSpec): boolean {
  return baseline === 'shared' || until !== undefined;
}

/** The result of an earlier run up to this epoch, which counts as used from now on; undefined where there is none, or it is damaged. */
export async function earlierResult(
  store: Store,
  address: string,
  epoch: number,
): Promise<TrainedNetwork | undefined> {
  const name = nameOf(address, 'result', epoch);
  const known = await store.manifest(name, trainedNetworkSchema);
  if (known === undefined) return undefined;
  if (await claim(store, name, blobsOf(known))) return known;
  await store.removeManifest(name);
  return undefined;
}

export async function keepResult(
  store: Store,
  address: string,
  epoch: number,
  result: TrainedNetwork,
): Promise<void> {
  await store.commit(nameOf(address, 'result', epoch), result, trainedNetworkSchema);
}

/** The latest state in which an earlier run has stopped, not behind this epoch; undefined where there is none. */
export async function earlierState(
  store: Store,
  address: string,
  until: number,
): Promise<Checkpoint | undefined> {
  const names = await store.list(`${address}/state`);
  for (const name of names.toReversed()) {
    if (Number(name.split('/').at(-1)) > until) continue;
    const state = await store.manifest(name, stateSchema);
    if (state !== undefined && (await claim(store, name, [state.blob]))) {
      const { cursor, facts, blob } = state;
      return { cursor, facts, tensors: decodeState(await store.read(blob)) };
    }
    await store.removeManifest(name);
  }
  return undefined;
}

export async function keepState(
  store: Store,
  address: string,
  epoch: number,
  { cursor, facts, tensors }: Checkpoint,
): Promise<void> {
  const { digest: blob } = await store.put(encodeState(tensors, { run: address, epoch: String(epoch) }));
  const state = { format: checkpointFormat, cursor, facts, blob } as const;
  await store.commit<z.output<typeof stateSchema>>(nameOf(address, 'state', epoch), state, stateSchema);
}

/** Numbers are padded, so that names sort as epochs do. */
function nameOf(address: string, what: 'result' | 'state', epoch: number): string {
  return `${address}/${what}/${String(epoch).padStart(6, '0')}`;
}
