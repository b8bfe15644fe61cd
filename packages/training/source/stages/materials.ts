import { augmentationIdentity, type Dataset, datasets, splitValidation } from '@distillery/datasets';
import type { EngineInfo, JobSpec, StageProgress } from '@distillery/spec';
import { digestOf, validationOf } from '@distillery/spec';
import { z } from 'zod';
import type { Layout } from '../planning/layout.ts';
import { planNetworks } from '../planning/plan-networks.ts';
import type { CheckpointOptions } from '../checkpoint.ts';
import type { OutputsKey } from '../outputs.ts';
import { jobTeachers } from '../planning/students.ts';
import { describeTeachers } from '../planning/subjects.ts';
import { batchThread } from '../batches/thread.ts';
import type { StageContext } from './stage.ts';

/** What every training stage works on. */
export interface Materials {
  dataset: Dataset;
  indices: { train: Int32Array; validation: Int32Array };
  layout: Layout;
}

/** @param teacher whose data are loaded where it has its own; absent: the job's */
export async function loadMaterials(
  { job: { spec }, data: surroundings, store, tell, signal }: StageContext,
  teacher?: string,
): Promise<Materials> {
  const data = { ...surroundings, signal };
  tell.progress(phase('loading'));
  // It starts while the data set is decoded.
  batchThread();
  const own = jobTeachers(spec).find(({ name }) => name === teacher)?.dataset;
  const choice = own ?? spec.dataset;
  const dataset = await datasets.get(choice.source).load(choice, data);
  if (dataset.skipped.count > 0) {
    const { count, first } = dataset.skipped;
    tell.skipped({ digest: dataset.digest, count, samples: first });
  }
  const { fraction, seed } = validationOf(spec);
  const indices = splitValidation(dataset.train.count, dataset.train.labels, fraction, seed);
  const job =
    own === undefined ? dataset : await datasets.get(spec.dataset.source).outline(spec.dataset, data);
  const layout = planNetworks(spec, { job, teachers: await describeTeachers(spec, { ...data, store }) });
  return { dataset, indices, layout };
}

/** The folder of the store in which all checkpoints lie. */
export const checkpointsFolder = 'jobs';

/** Where a stage's checkpoints lie, in the store. */
export function checkpointFolder(job: string, stage: string): string {
  return `${checkpointsFolder}/${job}/${stage}`;
}

/** The digests of the blobs that a manifest of a checkpoint names: an attempt's first entry has none. */
export function checkpointBlobs(manifest: unknown): string[] {
  const { blob } = z.object({ blob: z.string().optional() }).parse(manifest);
  return blob === undefined ? [] : [blob];
}

export function checkpointsOf({ store, job, stage, attempt, tell }: StageContext): CheckpointOptions {
  const { keep } = job.spec.checkpoints;
  return {
    store,
    folder: checkpointFolder(job.id, stage.id),
    attempt,
    keep,
    warn: tell.warning,
    saved: tell.checkpoint,
  };
}

/** Progress without steps: what the trainer is doing. */
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
 * @param share of the stage that the steps are, default all of it
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

/** What of an engine decides the bits that it computes: kind and versions, not the machine's speed. */
function engineIdentity({ name, versions }: EngineInfo): unknown {
  return { name, versions };
}

/**
 * Raised with a change of this package that trains the same inputs to other bits, or that a result holds more since:
 * older teachers are not reused.
 */
const revision = 4;

/** The address of a trained network: the digest of all that determines it. */
export function trainingKey(
  description: unknown,
  { dataset }: Materials,
  spec: JobSpec,
  engine: EngineInfo,
): string {
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
  augmentation: { type: string; seed: number },
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
