import {
  augmentationIdentity,
  type Dataset,
  datasets,
  type TrainingIndices,
  trainingIndices,
} from '@distillery/datasets';
import type { Augmentation, EngineInfo, JobSpec, StageProgress } from '@distillery/spec';
import { digestOf, validationOf } from '@distillery/spec';
import { z } from 'zod';
import { warningsOfProfile } from '../datasets/profiles.ts';
import { describeInitials } from '../initial/sources.ts';
import type { Layout } from '../planning/layout.ts';
import { planNetworks } from '../planning/plan-networks.ts';
import { type CheckpointOptions, threadsAtStart } from '../checkpoint.ts';
import type { OutputsKey } from '../outputs.ts';
import { jobTeachers } from '../planning/students.ts';
import { describeTeachers } from '../planning/subjects.ts';
import { batchThread } from '../batches/thread.ts';
import type { StageContext } from './stage.ts';

/** The samples that are named. */
const mostSkippedSamples = 100;

/** The data and the planned networks of a stage, and the engine that computes it. */
export interface Materials {
  engine: EngineInfo;
  dataset: Dataset;
  indices: TrainingIndices;
  layout: Layout;
}

/**
 * Starts the engine, loads the data of a stage, and plans the networks of the job.
 *
 * @param teacher a teacher whose data set is loaded if it has one; absent: the job's data set is loaded
 */
export async function loadMaterials(
  {
    job: { id, spec },
    stage,
    data: surroundings,
    store,
    emit,
    warnings,
    signal,
    engine: startEngine,
  }: StageContext,
  teacher?: string,
): Promise<Materials> {
  const data = { ...surroundings, signal };
  emit.progress(phase('loading'));
  // Let the thread start while the data set is decoded.
  batchThread();
  const engine = await startEngine(await threadsAtStart(store, checkpointFolder(id, stage.id)));
  const own = jobTeachers(spec).find(({ name }) => name === teacher)?.dataset;
  const choice = own ?? spec.dataset;
  const dataset = await datasets.get(choice.source).load(choice, data);
  reportSkipped(dataset, emit.skipped);
  // A job has hundreds of stages over the same data: what an earlier one has said is enough.
  const said = new Set(
    warnings.filter((warning) => warning.stage !== stage.id).map(({ message }) => message),
  );
  const notes = [...(dataset.notes ?? []), ...(await warningsOfProfile(store, choice))];
  for (const note of notes) if (!said.has(note)) emit.warning(note);
  const indices = trainingIndices(dataset, validationOf(spec));
  const job =
    own === undefined ? dataset : await datasets.get(spec.dataset.source).outline(spec.dataset, data);
  const teachers = await describeTeachers(
    spec,
    { ...data, store },
    { shape: job.shape, classes: job.classes },
  );
  const layout = planNetworks(spec, { job, teachers, initials: await describeInitials(spec, store) });
  return { engine, dataset, indices, layout };
}

/** Reports the samples that could not be read: at once, and again when training finds more of them. */
function reportSkipped(
  { digest, skipped, train, test }: Dataset,
  report: StageContext['emit']['skipped'],
): void {
  const { count, first } = skipped;
  if (count > 0) report({ digest, count, samples: first });
  const found = new Map<string, { name: string; reason: string }>();
  for (const { reader } of [train, test]) {
    batchThread().onSkipped.set(reader.digest, ({ name, reason }) => {
      if (found.has(name)) return;
      found.set(name, { name, reason });
      const samples = [...first, ...found.values()].slice(0, mostSkippedSamples);
      report({ digest, count: count + found.size, samples });
    });
  }
}

/** The folder of the store that holds all checkpoints. */
export const checkpointsFolder = 'jobs';

/** The folder of the store that holds a stage's checkpoints. */
export function checkpointFolder(job: string, stage: string): string {
  return `${checkpointsFolder}/${job}/${stage}`;
}

/** The digests of the blobs that a checkpoint's manifest names; the first entry of an attempt names none. */
export function checkpointBlobs(manifest: unknown): string[] {
  const { blob } = z.object({ blob: z.string().optional() }).parse(manifest);
  return blob === undefined ? [] : [blob];
}

export function checkpointsOf(
  { store, job, stage, attempt, emit }: StageContext,
  { threads }: EngineInfo,
): CheckpointOptions {
  const { keep } = job.spec.checkpoints;
  return {
    store,
    folder: checkpointFolder(job.id, stage.id),
    attempt,
    threads,
    keep,
    warn: emit.warning,
    saved: emit.checkpoint,
  };
}

/** Progress of a phase without steps. */
export function phase(name: string, fraction = 0) {
  return {
    phase: name,
    epoch: 0,
    epochs: 0,
    step: 0,
    steps: 0,
    loss: null,
    samplesPerSecond: null,
    fraction,
  };
}

/**
 * Progress by steps.
 *
 * @param share the share of the stage that the steps make up. Default: 1
 */
export function trainingProgress({
  stepsPerEpoch,
  epochs,
  share = 1,
}: {
  stepsPerEpoch: number;
  epochs: number;
  share?: number;
}) {
  const steps = stepsPerEpoch * epochs;
  return (
    name: string,
    cursor: Pick<StageProgress, 'step' | 'loss' | 'samplesPerSecond'>,
  ): StageProgress => ({
    phase: name,
    epoch: Math.floor(cursor.step / stepsPerEpoch),
    epochs,
    steps,
    ...cursor,
    fraction: share * (cursor.step / steps),
  });
}

/** The properties of an engine that determine the bits of its results: its kind and versions. */
function engineIdentity({ name, versions, eagerSteps }: EngineInfo): unknown {
  return { name, versions, steps: eagerSteps === null ? 'compiled' : 'eager' };
}

/**
 * Raise it when a change of this package trains the same inputs to other bits, or adds to a result, so that older teachers
 * are not reused.
 */
const revision = 6;

/** The address of a trained network: the digest of all that determines it. */
export function trainingKey(description: unknown, { dataset, engine }: Materials, spec: JobSpec): string {
  return digestOf({
    revision,
    description,
    dataset: dataset.digest,
    validation: validationOf(spec),
    engine: engineIdentity(engine),
  });
}

/** The address of a teacher's outputs. */
export function outputsKey(
  teacherWeights: string,
  { dataset }: Materials,
  spec: JobSpec,
  augmentation: Augmentation,
  classMap?: readonly number[],
): OutputsKey {
  return {
    teacher: teacherWeights,
    ...(classMap && { classMap }),
    dataset: dataset.digest,
    split: validationOf(spec),
    augmentation: augmentationIdentity(augmentation),
  };
}
